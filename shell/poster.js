// A picture's card as a PNG: the picture with outlines around its text, what models say of it, and how
// long they took. Fetched when the first one is saved; `src/poster.rs` says what is on it.

const WIDTH = 1080;
const PAD = 48;
const INNER = WIDTH - 2 * PAD;
/** A picture is no higher than this, so that what was found is in view beside it. */
const MOST_HEIGHT = 1080;
const FACE = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

const THEMES = {
  dark: { ground: "#0d131d", text: "#eef2f8", quiet: "#adb7c8", bar: "#17504d", best: "#1b6d67", outline: "#35e0cb" },
  light: { ground: "#ffffff", text: "#131a26", quiet: "#46516a", bar: "#bfe4df", best: "#8fd3ca", outline: "#0b8f80" },
};

function colours() {
  const { theme } = document.documentElement.dataset;
  return THEMES[theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark")];
}

/** The picture as it is drawn: the file where it is here and the browser can read it, else the small one. */
async function pictureOf(card, file) {
  if (file) {
    try {
      return await createImageBitmap(file);
    } catch {
      // A format that the engine reads and this browser does not.
    }
  }
  if (!card.small) return null;
  const image = new Image();
  image.src = card.small;
  await image.decode();
  return image;
}

/** Draws a card and has the browser save it; resolves with the file's name. */
export async function savePoster(card, file) {
  const picture = await pictureOf(card, file);
  const scale = Math.min(INNER / card.width, MOST_HEIGHT / card.height);
  const size = picture ? { width: card.width * scale, height: card.height * scale } : { width: 0, height: 0 };
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = layOut(card, size);
  const context = canvas.getContext("2d");
  draw(context, card, size, picture, colours());
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the browser made no PNG");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${card.name.replace(/\.[^.]*$/, "")}-vitrine.png`;
  link.click();
  // The download has begun by then, and may not have before.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return link.download;
}

const ROW = 48;
const HEAD = 64;

/** Height of the whole, in pixels. */
function layOut({ lists }, { height }) {
  const rows = lists.reduce((sum, list) => sum + HEAD + list.rows.length * ROW + 24, 0);
  return Math.ceil(PAD + height + 96 + rows + 32 + PAD);
}

function draw(context, card, { width, height }, picture, colour) {
  context.fillStyle = colour.ground;
  context.fillRect(0, 0, WIDTH, context.canvas.height);
  const left = (WIDTH - width) / 2;
  if (picture) {
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, left, PAD, width, height);
    outline(context, card, { left, scale: width / card.width }, colour);
  }
  let y = PAD + height + 60;
  context.textBaseline = "alphabetic";
  write(context, card.name, { x: PAD, y, width: INNER, font: `600 36px ${FACE}`, colour: colour.text });
  y += 36;
  for (const list of card.lists) {
    const time = { x: PAD + INNER, y: y + 44, width: INNER / 2, font: `24px ${FACE}`, colour: colour.quiet, end: true };
    write(context, list.time, time);
    write(context, list.title, { x: PAD, y: y + 44, width: INNER / 2, font: `600 26px ${FACE}`, colour: colour.quiet });
    y += HEAD;
    for (const [at, { label, share, bar }] of list.rows.entries()) {
      if (bar > 0) {
        context.fillStyle = at === 0 ? colour.best : colour.bar;
        context.beginPath();
        context.roundRect(PAD, y + 4, Math.max(8, INNER * bar), ROW - 8, 8);
        context.fill();
      }
      write(context, label, { x: PAD + 16, y: y + 33, width: INNER - 180, font: `26px ${FACE}`, colour: colour.text });
      const end = { x: PAD + INNER - 16, y: y + 33, width: 150, font: `26px ${FACE}`, colour: colour.text, end: true };
      write(context, share, end);
      y += ROW;
    }
    y += 24;
  }
  write(context, card.foot, { x: PAD, y: y + 32, width: INNER, font: `22px ${FACE}`, colour: colour.quiet });
}

function outline(context, { quads }, { left, scale }, colour) {
  context.strokeStyle = colour.outline;
  context.lineWidth = 3;
  for (const quad of quads) {
    context.beginPath();
    for (const [x, y] of quad) context.lineTo(left + x * scale, PAD + y * scale);
    context.closePath();
    context.stroke();
  }
}

/** Writes a text on one line, cut where it has no room. */
function write(context, text, { x, y, width, font, colour, end = false }) {
  context.font = font;
  context.fillStyle = colour;
  context.textAlign = end ? "right" : "left";
  const characters = [...text];
  let shown = text;
  while (context.measureText(shown).width > width && characters.length > 1) {
    characters.pop();
    shown = `${characters.join("")}…`;
  }
  context.fillText(shown, x, y);
}
