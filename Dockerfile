# syntax=docker/dockerfile:1
# Two stages: the first installs the locked packages, the second holds only Python, git, them and Sokbo.
FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /opt/sokbo && \
    /opt/sokbo/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock

FROM python:3.12-slim
ENV PATH=/opt/sokbo/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SOKBO_DATABASE_URL=sqlite:////data/sokbo.db \
    SOKBO_WEB__HOST=0.0.0.0
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data sokbo && install -d -o sokbo -g sokbo /data
COPY --from=build /opt/sokbo /opt/sokbo
WORKDIR /app
COPY bot.py errors.py hubs.py logs.py metrics.py model.py models.py notices.py pipeline.py preview.py reader.py replaying.py upkeep.py watching.py LICENSE ./
COPY config config
COPY delivery delivery
COPY examples examples
COPY formatters formatters
COPY handlers handlers
COPY locales locales
COPY platforms platforms
COPY sources sources
COPY storage storage
COPY stories stories
COPY web web
COPY worker worker
USER sokbo
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('SOKBO_WEB__PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "bot.py"]
CMD ["run"]
