// How Telegram and Slack would draw an alert: small readers of what the renderers made for them.
// Both build elements from a list of what they know; everything else in the text stays text.

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#x27;": "'" };

/** An element with attributes and children; strings become text nodes, null children are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The address as a URL when a browser may open it, else null. */
export function webAddress(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** A link that opens beside the page; only its content when the address is none to open. */
export function linked(address, ...content) {
  const url = webAddress(address);
  const attributes = { dir: "auto", href: url?.href, target: "_blank", rel: "noopener noreferrer" };
  return url ? element("a", attributes, ...content) : element("span", { dir: "auto" }, ...content);
}

/** A publisher's picture, gone again when it cannot be loaded. */
export function picture(address, className, alt = "") {
  const url = webAddress(address);
  if (!url) return null;
  const image = element("img", { class: className, alt, loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.remove());
  image.src = url.href;
  return image;
}

/** The red mark of urgent alerts. */
export function urgentMark(label) {
  return element("span", { class: "mark", role: "img", "aria-label": label }, "🔴");
}

function unescaped(text) {
  return text.replace(/&(?:lt|gt|amp|quot|#x27);/g, (entity) => ENTITIES[entity]);
}

/** The cross of alerts that were taken back. */
export function goneMark() {
  return element("span", { class: "gone" }, "❌");
}

/** Text with the signs in it drawn. */
function words(text, label) {
  const parts = text.split(/(🔴|:red_circle:|❌)/u);
  return parts.map((part, index) => (index % 2 === 0 ? part : part === "❌" ? goneMark() : urgentMark(label)));
}

// ---- Telegram

const TELEGRAM = /<(?<closing>\/?)(?<tag>b|i|u|s|code)>|<a href="(?<href>[^"<>]*)">|(?<end><\/a>)|[^<]+|</gu;

/** A message of Telegram: text, preview picture, and the button below. */
export function telegramMessage({ html, button, picture: preview, rows = [] }, texts) {
  const text = element("div", { class: "telegram-text" }, ...telegramHtml(html, texts.urgent));
  const bubble = element("div", { class: "bubble" }, text, picture(preview, "telegram-preview"));
  const below = button && element("p", { class: "telegram-button" }, linked(button[1], button[0]));
  const pressed = rows.map((row) => element("p", { class: "telegram-row" }, ...row.map(telegramButton)));
  return [bubble, ...(below ? [below] : []), ...pressed];
}

/** A button to press, drawn only: what is pressed belongs to a chat. */
function telegramButton({ label, url }) {
  return element("span", { class: "telegram-button" }, url ? linked(url, label) : element("span", { dir: "auto" }, label));
}

/** The nodes of Telegram's HTML. */
function telegramHtml(html, label) {
  const root = element("div");
  const open = [root];
  for (const { 0: token, groups } of html.matchAll(TELEGRAM)) {
    const inside = open.at(-1);
    if ((groups.closing || groups.end) && open.length > 1) open.pop();
    else if (groups.tag || groups.href !== undefined) {
      const made = groups.tag ? element(groups.tag) : linked(unescaped(groups.href));
      inside.append(made);
      open.push(made);
    } else inside.append(...words(unescaped(token), label));
  }
  return [...root.childNodes];
}

// ---- Slack

// A mark counts at the edge of a word only; \ue000 and \ue001 stand around the number of a <span>.
const EDGE = (mark) => `(?<![\\p{L}\\p{N}_${mark}])${mark}(?=\\S)([^${mark}\\n]+?)(?<=\\S)${mark}(?![\\p{L}\\p{N}_${mark}])`;
const SLACK = new RegExp(`${["\\*", "_", "~", "`"].map(EDGE).join("|")}|\ue000(\\d+)\ue001`, "gu");
const SLACK_TAGS = ["b", "i", "s", "code"];

/** A message of Slack: who wrote it, then its blocks; its text where there are none. */
export function slackMessage({ text, blocks }, texts) {
  const name = element("p", { class: "slack-name" }, element("b", {}, "Sokbo"), " ");
  name.append(element("span", { class: "slack-app" }, texts.app));
  const shown = blocks.length ? blocks.map((block) => slackBlock(block, texts)) : [slackLine("", text, texts)];
  const avatar = element("span", { class: "slack-avatar", "aria-hidden": "true" }, "S");
  return [avatar, element("div", { class: "slack-body" }, name, ...shown)];
}

function slackBlock({ type, text, accessory, elements }, texts) {
  if (type === "section") {
    const section = element("div", { class: "slack-section" }, slackText("", text, texts));
    const image = accessory?.type === "image" ? picture(accessory.image_url, "slack-picture", accessory.alt_text) : null;
    if (image) section.append(image);
    return section;
  }
  if (type === "context") return element("div", {}, ...elements.map((one) => slackText("slack-context", one, texts)));
  if (type === "actions") return element("p", { class: "slack-actions" }, ...elements.map(slackButton));
  return null;
}

function slackButton({ text, url }) {
  return linked(url, unescaped(text.text));
}

function slackText(className, { type, text }, texts) {
  if (type === "mrkdwn") return slackLine(className, text, texts);
  return element("p", { class: `slack-text ${className}` }, unescaped(text));
}

function slackLine(className, text, texts) {
  return element("p", { class: `slack-text ${className}` }, ...mrkdwn(text, texts.urgent));
}

/** The nodes of Slack's mrkdwn: links, dates, bold, italic, struck and code. */
function mrkdwn(text, label) {
  const spans = [];
  const keep = (_, inside) => `\ue000${spans.push(inside) - 1}\ue001`;
  const masked = text.replace(/[\ue000\ue001]/g, "").replace(/<([^<>\n]+)>/g, keep);
  return formatted(masked, spans, label);
}

function formatted(text, spans, label) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(SLACK)) {
    nodes.push(...words(unescaped(text.slice(done, found.index)), label));
    done = found.index + found[0].length;
    const kind = SLACK_TAGS.findIndex((_, place) => found[place + 1] !== undefined);
    if (kind >= 0) nodes.push(element(SLACK_TAGS[kind], {}, ...formatted(found[kind + 1], spans, label)));
    else nodes.push(slackSpan(spans[Number(found[5])] ?? ""));
  }
  nodes.push(...words(unescaped(text.slice(done)), label));
  return nodes;
}

/** What stands in <…>: a link, a time, or a name that would be notified. */
function slackSpan(inside) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const shown = unescaped(bar < 0 ? inside : inside.slice(bar + 1));
  if (target.startsWith("!date^")) return element("time", {}, shown);
  if (/^[@#!]/.test(target)) return element("span", { class: "slack-ping" }, `@${shown.replace(/^[@#!]/, "")}`);
  return linked(unescaped(target), shown);
}
