// Contrast of text as it is seen: the colour of every text against the pixels behind it.
//
// axe gives up over gradients, glass and pictures. Here the text is made transparent, the page is
// photographed, and each text's colour is compared with every pixel of the boxes it stands in.

/** Least contrast by WCAG 2.2, 1.4.3: for text, and for text from 24 px, or 18.66 px in bold. */
const LEAST = 4.5;
const LEAST_LARGE = 3;
/**
 * Share of a box's pixels that may be worse: boxes are higher than letters, so that their edge may
 * lie on the border of what is beneath.
 */
const SHARE_ALLOWED = 0.01;

/**
 * Measures every text of the page that can be seen, in the window's width and colours. Makes the
 * window as high as the page, so that nothing is below the fold.
 *
 * Gives `{ texts, least, failures }`: how many texts were measured, the least contrast met as a
 * share of what is needed with the text it was met at, and those below, worst first, each as
 * `{ text, selector, contrast, needed }`. What was measured joins a set of elements in the page,
 * `window.vitrineMeasured`.
 */
export async function measureContrast(page) {
  const measured = await measureAsItIs(page);
  // What frames hide at their end, which is seen once they are scrolled there.
  if (await page.evaluate(scrollFrames, Number.MAX_SAFE_INTEGER)) {
    measured.push(...(await measureAsItIs(page)));
    await page.evaluate(scrollFrames, 0);
  }
  measured.sort((a, b) => a.contrast / a.needed - b.contrast / b.needed);
  return {
    texts: measured.length,
    least: measured[0],
    failures: measured.filter(({ contrast, needed }) => contrast < needed),
  };
}

async function measureAsItIs(page) {
  const { texts, picture } = await photograph(page);
  const bench = await benchOf(page.context().browser());
  const shown = { picture: picture.toString("base64"), texts, allowed: SHARE_ALLOWED };
  const worst = await bench.evaluate(compareWithPixels, shown);
  return texts
    .map(({ text, selector, isLarge }, at) => ({
      text,
      selector,
      contrast: worst[at],
      needed: isLarge ? LEAST_LARGE : LEAST,
    }))
    .filter(({ contrast }) => contrast !== null);
}

/** Runs in the page: scrolls what scrolls sideways as far as it goes; whether anything did. */
function scrollFrames(left) {
  const frames = [...document.querySelectorAll(".table-frame")];
  for (const frame of frames) frame.scrollLeft = left;
  return frames.some((frame) => frame.scrollLeft > 0);
}

/** The page without its letters, and where these stand; taken again where the page changed meanwhile. */
async function photograph(page) {
  for (let tries = 1; ; tries += 1) {
    await showWhole(page);
    const texts = await page.evaluate(findTexts);
    const sheet = await page.evaluateHandle(hideTexts);
    const picture = await page.screenshot({ animations: "disabled", scale: "css" });
    await page.evaluate((sheet) => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    }, sheet);
    // Letters may come back by a transition.
    await settle(page);
    // Moved, or in another colour: text may have been measured while it was fading in.
    if (JSON.stringify(texts) === JSON.stringify(await page.evaluate(findTexts))) return { texts, picture };
    if (tries === 5) throw new Error("the page does not come to rest");
  }
}

/** Per browser an empty page that pixels are counted in; the measured one is left as it is. */
const benches = new WeakMap();

function benchOf(browser) {
  if (!benches.has(browser)) benches.set(browser, browser.newPage());
  return benches.get(browser);
}

/** Makes frames that scroll as high as what is in them and the window as high as the page, and ends what moves. */
export async function showWhole(page) {
  await page.evaluate(() => {
    if (window.wholeFrames) return;
    window.wholeFrames = new CSSStyleSheet();
    window.wholeFrames.replaceSync(".table-frame { max-block-size: none !important; }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, window.wholeFrames];
  });
  const { width } = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.min(Math.max(height, 600), 12_000) });
  await page.evaluate(() => window.scrollTo(0, 0));
  await settle(page);
}

/** Ends what moves, until two frames in a row bring nothing more that does. What never ends goes on. */
export async function settle(page) {
  await page.evaluate(async () => {
    const moves = ({ playState, effect }) =>
      playState !== "finished" && Number.isFinite(effect.getComputedTiming().endTime);
    for (let calm = 0; calm < 2; calm += 1) {
      await new Promise((done) => requestAnimationFrame(done));
      const moving = document.getAnimations().filter(moves);
      if (moving.length > 0) calm = -1;
      for (const animation of moving) animation.finish();
    }
  });
}

/** Runs in the page: every text that is seen, with its colour and boxes in pixels of the window. */
function findTexts() {
  const measured = (window.vitrineMeasured ??= new WeakSet());
  const found = [];
  const modal = document.querySelector("dialog:modal");
  const reader = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    reader.clearRect(0, 0, 1, 1);
    reader.fillStyle = color;
    reader.fillRect(0, 0, 1, 1);
    return [...reader.getImageData(0, 0, 1, 1).data];
  };
  /** What ancestors that clip leave of a box. */
  const clipped = (element, box) => {
    let { left, top, right, bottom } = box;
    for (let around = element; around && around !== document.documentElement; around = around.parentElement) {
      const style = getComputedStyle(around);
      if (style.clipPath === "inset(50%)") return null;
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const frame = around.getBoundingClientRect();
      left = Math.max(left, frame.left);
      top = Math.max(top, frame.top);
      right = Math.min(right, frame.right);
      bottom = Math.min(bottom, frame.bottom);
    }
    return right - left >= 2 && bottom - top >= 2 ? { left, top, right, bottom } : null;
  };
  const isOnTop = (element, { left, top, right, bottom }) => {
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return hit === null || hit.contains(element) || element.contains(hit) || hit.closest("svg[aria-hidden]") !== null;
  };
  const take = (element, text, color, boxes, style = getComputedStyle(element)) => {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return;
    if (element.closest("[inert], :disabled") || (modal && !modal.contains(element))) return;
    const kept = [...boxes].map((box) => clipped(element, box)).filter((box) => box && isOnTop(element, box));
    const [red, green, blue, alpha] = rgba(color);
    // Text that is there to be selected only, over a picture of itself.
    if (kept.length === 0 || alpha === 0) return;
    let opacity = alpha / 255;
    for (let around = element; around; around = around.parentElement) opacity *= Number(getComputedStyle(around).opacity);
    const size = parseFloat(style.fontSize);
    measured.add(element);
    found.push({
      text: text.trim().replace(/\s+/g, " ").slice(0, 60),
      selector: `${element.localName}${element.id ? `#${element.id}` : ""}${[...element.classList].map((name) => `.${name}`).join("")}`,
      color: [red, green, blue],
      opacity,
      isLarge: size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700),
      boxes: kept,
    });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || element.matches("script, style, noscript, option, textarea")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const style = getComputedStyle(element);
    const color = element instanceof SVGElement ? style.fill : style.webkitTextFillColor || style.color;
    take(element, node.data, color === "none" ? "transparent" : color, range.getClientRects());
  }
  const withoutText = "[type=checkbox], [type=radio], [type=file], [type=range], [type=hidden], [type=color]";
  for (const field of document.querySelectorAll(`textarea, select, input:not(${withoutText})`)) {
    const shown = field.value || field.placeholder;
    if (!shown) continue;
    const style = getComputedStyle(field, field.value ? null : "::placeholder");
    const box = field.getBoundingClientRect();
    const inside = { left: box.left + 4, top: box.top + 4, right: box.right - 4, bottom: box.bottom - 4 };
    take(field, shown, style.color, [inside], style);
  }
  return found;
}

/** Runs in the page: takes away the letters and leaves what is behind them; gives the sheet. */
function hideTexts() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    *, *::before, *::after, *::placeholder, *::marker {
      color: transparent !important;
      -webkit-text-fill-color: transparent !important;
      text-shadow: none !important;
      text-decoration-color: transparent !important;
      caret-color: transparent !important;
      transition: none !important;
    }
    svg text { fill: transparent !important; }
  `);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return sheet;
}

/**
 * Runs in a page of its own: for each text the contrast that all but the allowed share of the
 * pixels behind it reach; null where its boxes lie outside the picture.
 */
async function compareWithPixels({ picture, texts, allowed }) {
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const linear = Float64Array.from({ length: 256 }, (_, value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = (red, green, blue) =>
    0.2126 * linear[Math.round(red)] + 0.7152 * linear[Math.round(green)] + 0.0722 * linear[Math.round(blue)];
  return texts.map(({ color, opacity, boxes }) => {
    const contrasts = new Map();
    let nPixels = 0;
    for (const box of boxes) {
      const left = Math.max(0, Math.ceil(box.left));
      const top = Math.max(0, Math.ceil(box.top));
      const width = Math.min(bitmap.width, Math.floor(box.right)) - left;
      const height = Math.min(bitmap.height, Math.floor(box.bottom)) - top;
      if (width <= 0 || height <= 0) continue;
      const { data } = context.getImageData(left, top, width, height);
      for (let at = 0; at < data.length; at += 4) {
        const key = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
        contrasts.set(key, (contrasts.get(key) ?? 0) + 1);
        nPixels += 1;
      }
    }
    if (nPixels === 0) return null;
    const counted = [...contrasts].map(([key, n]) => {
      const behind = [key >> 16, (key >> 8) & 255, key & 255];
      const seen = color.map((value, at) => value * opacity + behind[at] * (1 - opacity));
      const [light, dark] = [luminance(...behind), luminance(...seen)].sort((a, b) => b - a);
      return { contrast: (light + 0.05) / (dark + 0.05), n };
    });
    counted.sort((a, b) => a.contrast - b.contrast);
    let nWorse = 0;
    for (const { contrast, n } of counted) {
      nWorse += n;
      if (nWorse > allowed * nPixels) return contrast;
    }
    return counted.at(-1).contrast;
  });
}
