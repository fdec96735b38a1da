// Many small pictures, made in the page, and how the page bears them.

/**
 * Drops `n` pictures that all differ, of `side` pixels, and files that are none. Names begin with
 * `prefix`. Returns how many ms the drop itself took, which is how long the page did nothing else.
 */
export async function dropMany(page, { n, side = 96, prefix = "picture", broken = {} }) {
  return page.evaluate(
    ({ n, side, prefix, broken }) => {
      const canvas = document.createElement("canvas");
      canvas.width = side;
      canvas.height = side;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      const transfer = new DataTransfer();
      for (let at = 0; at < n; at += 1) {
        for (let patch = 0; patch < 12; patch += 1) {
          context.fillStyle = `hsl(${(at * 47 + patch * 31) % 360} ${30 + ((at + patch) % 7) * 10}% ${20 + ((at * 3 + patch * 5) % 60)}%)`;
          context.fillRect((patch * 37 + at * 13) % side, (patch * 53 + at * 7) % side, side / 2, side / 3);
        }
        const type = at % 2 === 0 ? "image/jpeg" : "image/png";
        const [, encoded] = canvas.toDataURL(type, 0.9).split(",");
        const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
        const name = `${prefix}-${String(at).padStart(4, "0")}.${type.slice(6)}`;
        transfer.items.add(new File([bytes], name, { type }));
      }
      for (const [name, content] of Object.entries(broken)) {
        // As bytes: text would be written as UTF-8, where a PNG does not begin as it does.
        const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: "image/png" }));
      }
      const start = performance.now();
      for (const type of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(
          new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }),
        );
      }
      return performance.now() - start;
    },
    { n, side, prefix, broken },
  );
}

/** Begins to record the time between frames. */
export async function recordFrames(page) {
  await page.evaluate(() => {
    window.frames_ = [];
    let last = performance.now();
    const frame = (now) => {
      window.frames_.push(now - last);
      last = now;
      window.frameRequest = requestAnimationFrame(frame);
    };
    window.frameRequest = requestAnimationFrame(frame);
  });
}

/** The times between frames since then, in ms. */
export async function recordedFrames(page) {
  return page.evaluate(() => {
    cancelAnimationFrame(window.frameRequest);
    return window.frames_.slice(1);
  });
}

/** By the nearest rank. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** How many files of how many have their outcome, as the progress bar says. */
export async function progress(page) {
  const bar = page.getByRole("progressbar", { name: "Files done" });
  return bar.evaluate(({ value, max }) => ({ done: value, total: max }));
}

/** Waits until every file has its outcome. */
export async function finished(page, timeout) {
  await page.waitForFunction(
    () => {
      const bar = document.querySelector('progress[aria-label="Files done"]');
      return document.documentElement.dataset.phase === "ready" && bar !== null && bar.value === bar.max;
    },
    null,
    { timeout },
  );
}

/** Waits until at least `n` results are there. */
export async function results(page, n, timeout) {
  await page.waitForFunction((n) => performance.getEntriesByName("vitrine:result").length >= n, n, { timeout });
}

/** Waits until what was decided is drawn. */
export async function settled(page) {
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
}

/** The rows in view, as a person reads them. */
export async function visibleRows(page) {
  await settled(page);
  return page.getByRole("table", { name: "Files and what was found in them" }).evaluate((table) =>
    [...table.tBodies[0].rows].map((row) => ({
      index: Number(row.getAttribute("aria-rowindex")),
      name: row.cells[0].innerText.trim(),
      result: row.cells[1].innerText.replace(/\s+/g, " ").trim(),
    })),
  );
}
