// The console page. Alerts, sources and platform states arrive on /events, commands go to /commands.
// What is shown was written by publishers and is hostile: it enters the document as text, never as markup,
// and only http and https addresses become links or pictures.

// With the version of this file behind it, as the browser keeps what it has loaded.
const { element, goneMark, linked, picture, slackMessage, telegramMessage, urgentMark, webAddress } = await import(
  `./forms.js${new URL(import.meta.url).search}`
);

const CARDS_KEPT = 100;
const ANSWERS_KEPT = 10;
const ANNOUNCEMENTS_KEPT = 5;
const RECONNECT_MS = 3000;
const COMMAND_TIMEOUT_MS = 30000;

const root = document.documentElement;
const texts = JSON.parse(byId("texts").textContent);
const pageTitle = document.title;
let form = "page";

function byId(id) {
  return document.getElementById(id);
}

/** Children with " · " between them; a line may break after the dot, not before it. */
function dotted(children) {
  return children.filter(Boolean).flatMap((child, index) => (index ? ["\u00a0· ", child] : [child]));
}

// ---- times

const timeZone = usableZone(root.dataset.timezone);
const dayFormat = dateFormat({ month: "short", day: "numeric" });
const dayWithYearFormat = dateFormat({ year: "numeric", month: "short", day: "numeric" });
const yearFormat = dateFormat({ year: "numeric" });
const clockFormat = dateFormat({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const relativeFormat = new Intl.RelativeTimeFormat(root.lang, { numeric: "auto", style: "short" });
const numberFormat = new Intl.NumberFormat(root.lang);

/** The desk's zone, or the browser's own when it does not know that name. */
function usableZone(name) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

function dateFormat(options) {
  return new Intl.DateTimeFormat(root.lang, { timeZone, ...options });
}

function dayOf(date) {
  const thisYear = yearFormat.format(date) === yearFormat.format(new Date());
  return (thisYear ? dayFormat : dayWithYearFormat).format(date);
}

function dayAndClock(date) {
  return `${dayOf(date)} ${clockFormat.format(date)}`;
}

/** "12 s ago", "in 3 min": the largest unit that fits. */
function relative(date, now) {
  const seconds = Math.round((date - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return relativeFormat.format(seconds, "second");
  if (size < 3600) return relativeFormat.format(Math.trunc(seconds / 60), "minute");
  if (size < 86400) return relativeFormat.format(Math.trunc(seconds / 3600), "hour");
  return relativeFormat.format(Math.trunc(seconds / 86400), "day");
}

/** Writes a `time[data-relative]` anew. What lies ahead and is due by now reads "soon", a past time never "in 1 s". */
function tick(time, now) {
  const date = new Date(time.dateTime);
  const ahead = time.dataset.relative === "ahead";
  const late = ahead && date <= now;
  const text = late ? texts.soon : relative(ahead ? date : Math.min(date, now), now);
  if (time.textContent !== text) time.textContent = text;
}

function relativeTime(iso, direction) {
  if (!iso) return element("span", { class: "faint" }, "–");
  const date = new Date(iso);
  const time = element("time", { datetime: iso, title: dayAndClock(date), "data-relative": direction });
  tick(time, new Date());
  return time;
}

function tickAll() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-relative]")) tick(time, now);
}

// ---- alerts

const alerts = new Map();
const cards = new Map();
let unread = 0;

/** Adds the alert's card, or puts its newer version in place; what is already shown is ignored. */
function showAlert(alert) {
  const old = cards.get(alert.id);
  if (old && Number(old.dataset.version) >= alert.version) return;
  const card = alertCard(alert);
  alerts.set(alert.id, alert);
  cards.set(alert.id, card);
  if (old) replaceCard(old, card);
  else placeCard(card, alert);
  if (alert.fresh) noteFresh(alert, card, Boolean(old));
  trimCards();
  byId("alerts-empty").hidden = true;
}

function replaceCard(old, card) {
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(card);
  if (hadFocus) card.querySelector("a")?.focus({ preventScroll: true });
}

/** On top; what is not news now, and a later version of what the page no longer shows, goes where it belongs. */
function placeCard(card, alert) {
  const list = byId("alerts");
  const inPlace = !alert.fresh || alert.version > 1;
  const isOlder = (other) => !inPlace || other.dataset.created <= card.dataset.created;
  list.insertBefore(card, [...list.children].find(isOlder) ?? null);
}

function noteFresh(alert, card, isUpdate) {
  card.classList.add(isUpdate ? "updated" : "fresh");
  const prefix = isUpdate ? texts.updated_alert : isUrgent(alert) ? texts.urgent_alert : texts.new_alert;
  announce(`${prefix}: ${alert.headline}`);
  if (document.hidden && !isUpdate) showUnread(unread + 1);
}

/** Says it to screen readers. */
function announce(text) {
  const announcer = byId("announcer");
  announcer.append(element("p", {}, text));
  while (announcer.children.length > ANNOUNCEMENTS_KEPT) announcer.firstChild.remove();
}

function showUnread(count) {
  unread = count;
  document.title = count ? `(${count}) ${pageTitle}` : pageTitle;
}

function trimCards() {
  const list = byId("alerts");
  while (list.children.length > CARDS_KEPT) {
    const id = Number(list.lastChild.dataset.alertId);
    alerts.delete(id);
    cards.delete(id);
    list.lastChild.remove();
  }
}

function isUrgent(alert) {
  return alert.urgency === "urgent" && !alert.retracted;
}

/** The alert's card in the form that is chosen. */
function alertCard(alert) {
  const card = element("article", {
    class: isUrgent(alert) ? "card urgent" : "card",
    "aria-label": alert.headline,
    "data-alert-id": alert.id,
    "data-version": alert.version,
    "data-created": new Date(alert.created).toISOString(),
  });
  drawCard(card, alert);
  return card;
}

const drawings = {
  page: pageCard,
  telegram: ({ forms }) => telegramMessage(forms.telegram, texts),
  slack: ({ forms }) => slackMessage(forms.slack, texts),
};

function drawCard(card, alert) {
  card.dataset.form = form;
  card.replaceChildren(...drawings[form](alert));
}

function pageCard(alert) {
  const body = element("div", { class: "card-body" });
  if (alert.correction) {
    body.append(element("p", { class: "note", dir: "auto" }, "✏️ ", element("b", {}, texts.correction), ` ${alert.correction}`));
  }
  body.append(cardHeadline(alert));
  if (alert.retracted) {
    const why = alert.retraction ? `: ${alert.retraction}` : "";
    body.append(element("p", { class: "note", dir: "auto" }, goneMark(), ` ${texts.retracted}${why}`));
  }
  const bullets = alert.bullets.map((bullet) => element("li", { dir: "auto" }, bullet));
  if (bullets.length) body.append(element("ul", {}, ...bullets));
  body.append(cardMeta(alert));
  const image = picture(alert.image, "picture");
  return image ? [image, body] : [body];
}

function cardHeadline(alert) {
  const headline = element("h3", {});
  if (isUrgent(alert)) headline.append(urgentMark(texts.urgent), " ");
  const shown = linked(alert.link, alert.headline);
  headline.append(alert.retracted ? element("s", {}, shown) : shown);
  return headline;
}

function cardMeta(alert) {
  const topics = alert.topics.map((topic) => element("span", { class: "topic", dir: "auto" }, `#${topic}`));
  const facts = dotted([
    alert.sources.length ? element("span", { class: "source", dir: "auto" }, alert.sources.join(", ")) : null,
    cardTime(alert),
    changedTime(alert),
    topics.length ? element("span", {}, ...topics.flatMap((topic, index) => (index ? [" ", topic] : [topic]))) : null,
  ]);
  const meta = element("p", { class: "meta" }, element("span", {}, ...facts));
  const host = webAddress(alert.link)?.host.replace(/^www\./, "");
  if (host) {
    const link = linked(alert.link, host);
    link.className = "host";
    meta.append(link);
  }
  return meta;
}

function cardTime(alert) {
  const iso = alert.published ?? alert.created;
  const date = new Date(iso);
  const dayOnly = alert.date_only && alert.published !== null;
  return element("time", { datetime: iso }, dayOnly ? dayOf(date) : dayAndClock(date));
}

function changedTime(alert) {
  if (!alert.changed || alert.retracted) return null;
  const changed = new Date(alert.changed);
  const sameDay = dayOf(changed) === dayOf(new Date(alert.published ?? alert.created));
  const text = `${texts.changed} ${sameDay ? clockFormat.format(changed) : dayAndClock(changed)}`;
  return element("time", { class: "changed", datetime: alert.changed }, text);
}

// ---- the form of the cards

const FORM_KEY = "sokbo.form";

/** What the reader chose last; a browser may refuse to remember anything. */
function rememberedForm() {
  try {
    const kept = localStorage.getItem(FORM_KEY);
    return Object.hasOwn(drawings, kept) ? kept : "page";
  } catch {
    return "page";
  }
}

function chooseForm(chosen) {
  form = chosen;
  for (const [id, card] of cards) {
    card.classList.remove("fresh", "updated");
    drawCard(card, alerts.get(id));
  }
  try {
    localStorage.setItem(FORM_KEY, chosen);
  } catch {
    // It is drawn all the same, and asked again next time.
  }
}

// ---- sources and platforms

function showSources(sources) {
  const body = byId("sources").tBodies[0];
  const rows = new Map([...body.rows].map((row) => [row.dataset.sourceId, row]));
  sources.forEach((source, index) => {
    const row = rows.get(source.id) ?? element("tr", { role: "row", "data-source-id": source.id });
    rows.delete(source.id);
    fillSourceRow(row, source);
    if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
  });
  for (const row of rows.values()) row.remove();
  byId("sources").hidden = sources.length === 0;
  byId("sources-empty").hidden = sources.length > 0;
}

function fillSourceRow(row, source) {
  const hadFocus = row.contains(document.activeElement);
  row.classList.toggle("failing", Boolean(source.problem));
  row.replaceChildren(
    sourceName(source),
    sourceCell(texts.last_read, relativeTime(source.last_read, "past")),
    sourceCell(texts.next_read, relativeTime(source.paused ? null : source.next_read, "ahead")),
    sourceCell(texts.posts, numberFormat.format(source.posts), "number"),
    sourceCell(texts.problem, problemText(source.problem), "problem"),
  );
  if (hadFocus) row.querySelector("a")?.focus({ preventScroll: true });
}

function sourceName(source) {
  const cell = element("th", { role: "rowheader", scope: "row" }, linked(source.url, source.name));
  cell.append(" ", element("span", { class: "kind" }, source.kind));
  if (source.paused) cell.append(" ", element("span", { class: "badge" }, texts.paused));
  return cell;
}

function sourceCell(label, content, className = "") {
  return element("td", { role: "cell", class: className, "data-label": label }, content);
}

function problemText(problem) {
  return problem ? element("span", { dir: "auto" }, problem) : element("span", { class: "faint" }, texts.no_problem);
}

function showStatus({ platforms, notices }) {
  byId("notices-section").hidden = notices.length === 0;
  byId("notices").replaceChildren(...notices.map(({ text }) => element("li", { dir: "auto" }, text)));
  byId("platforms").replaceChildren(...platforms.map(platformLine));
  byId("platforms-empty").hidden = platforms.length > 0;
}

function platformLine({ name, state, problem }) {
  const shownName = { telegram: "Telegram", slack: "Slack" }[name] ?? name;
  const line = element("li", { "data-platform": name, "data-state": state }, element("strong", {}, shownName));
  line.append(" ", element("span", {}, texts[`platform_${state}`] ?? state));
  if (problem) line.append(element("span", { class: "problem", dir: "auto" }, problem));
  return line;
}

// ---- commands

const sentBefore = [];
let place = 0;
let draft = "";

/** Sends a command and puts its answer on top of the earlier ones. */
async function send(text) {
  remember(text);
  const answer = element("article", { class: "answer pending", "aria-busy": "true" }, answerHead(text));
  const waiting = element("p", { class: "faint" }, texts.working);
  answer.append(waiting);
  byId("answers-empty").hidden = true;
  byId("answers").prepend(answer);
  while (byId("answers").children.length > ANSWERS_KEPT) byId("answers").lastChild.remove();
  answer.scrollIntoView({ block: "nearest" });
  const { failed, reply } = await ask(text);
  waiting.remove();
  answer.classList.remove("pending");
  answer.classList.toggle("failed", failed);
  answer.append(...replyBlocks(reply));
  answer.removeAttribute("aria-busy");
}

/** The desk's reply, or words for why there is none. Never throws. */
async function ask(text) {
  try {
    const response = await fetch("/commands", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
    });
    return { failed: !response.ok, reply: await response.json() };
  } catch (error) {
    // An answer that is not JSON comes from something between us and the desk, or from a desk in trouble.
    const why = error instanceof SyntaxError ? texts.bad_answer : texts.no_answer;
    return { failed: true, reply: { title: texts.failed, lines: [why] } };
  }
}

function answerHead(text) {
  const now = new Date();
  const time = element("time", { datetime: now.toISOString() }, clockFormat.format(now));
  return element("p", { class: "asked" }, element("code", { dir: "auto" }, text), time);
}

function replyBlocks({ title = "", lines = [], stories = [], first = 1, marked = [], buttons = [] }) {
  const blocks = title ? [element("h3", { dir: "auto" }, title)] : [];
  blocks.push(...lines.map((line) => element("p", { class: "line", dir: "auto" }, line)));
  if (stories.length) blocks.push(element("ol", { start: first }, ...stories.map((story) => storyItem(story, marker(marked)))));
  if (buttons.length) blocks.push(element("p", { class: "answer-buttons" }, ...buttons.map(answerButton)));
  return blocks;
}

/** What stands below an answer: a press is the command typed, an address opens beside the page. */
function answerButton({ label, press, url }) {
  if (url) return linked(url, label);
  const button = element("button", { type: "button", dir: "auto" }, label);
  button.addEventListener("click", () => send(`/${press}`));
  return button;
}

function storyItem(story, mark) {
  const meta = dotted([story.source ? element("span", { dir: "auto" }, story.source) : null, storyTime(story.time)]);
  const headline = linked(story.link, ...mark(story.headline));
  const item = element("li", {}, story.retracted ? element("s", {}, headline) : headline);
  if (meta.length) item.append(element("p", { class: "meta" }, ...meta));
  if (story.snippet) item.append(element("p", { class: "snippet", dir: "auto" }, ...mark(story.snippet)));
  return item;
}

/** An ISO time is shown in the desk's zone, a text written by the desk as it is. */
function storyTime(time) {
  if (!/^\d{4}-\d\d-\d\dT/.test(time)) return time;
  return element("time", { datetime: time }, dayAndClock(new Date(time)));
}

/** A function that splits text into strings and <mark> elements around the words, whatever their case. */
function marker(words) {
  const sought = words.filter(Boolean).map((word) => word.normalize("NFC"));
  sought.sort((one, other) => other.length - one.length);
  const escaped = sought.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  if (!escaped.length) return (text) => [text];
  const pattern = new RegExp(`(${escaped.join("|")})`, "giu");
  // split() with one group gives text and match in turn.
  return (text) =>
    text.normalize("NFC").split(pattern).map((part, index) => (index % 2 ? element("mark", {}, part) : part));
}

function remember(text) {
  if (sentBefore.at(-1) !== text) sentBefore.push(text);
  place = sentBefore.length;
  draft = "";
}

/** Moves through what was sent before; past the newest lies what was being typed. */
function recall(step) {
  const input = byId("command");
  if (place === sentBefore.length) draft = input.value;
  place = Math.min(Math.max(place + step, 0), sentBefore.length);
  input.value = place === sentBefore.length ? draft : sentBefore[place];
  input.setSelectionRange(input.value.length, input.value.length);
}

function onCommandKey(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  // While Korean is being composed the arrows belong to the input method.
  if (!step || event.isComposing || !sentBefore.length) return;
  event.preventDefault();
  recall(step);
}

function onSubmit(event) {
  event.preventDefault();
  const input = byId("command");
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  send(text);
}

// ---- the connection

let stream = null;
let reconnectTimer = 0;

/** Opens the event stream anew. Browsers reconnect by themselves, except after an HTTP error. */
function connect() {
  clearTimeout(reconnectTimer);
  stream?.close();
  const opened = new EventSource("/events");
  stream = opened;
  opened.addEventListener("open", () => showConnection("live"));
  opened.addEventListener("error", () => {
    showConnection("reconnecting");
    if (opened.readyState === EventSource.CLOSED) reconnectTimer = setTimeout(connect, RECONNECT_MS);
  });
  const handlers = { alert: showAlert, sources: showSources, status: showStatus };
  for (const [name, show] of Object.entries(handlers)) {
    opened.addEventListener(name, (event) => show(JSON.parse(event.data)));
  }
}

function showConnection(state) {
  const connection = byId("connection");
  if (connection.dataset.state === state) return;
  connection.dataset.state = state;
  connection.textContent = texts[state];
}

form = rememberedForm();
const choices = byId("forms").querySelectorAll("input");
for (const choice of choices) {
  choice.checked = choice.value === form;
  choice.addEventListener("change", () => chooseForm(choice.value));
}
byId("command-form").addEventListener("submit", onSubmit);
byId("command").addEventListener("keydown", onCommandKey);
for (const chip of document.querySelectorAll("[data-command]")) {
  chip.addEventListener("click", () => send(chip.dataset.command));
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) showUnread(0);
});
window.addEventListener("online", connect);
setInterval(tickAll, 1000);
connect();
