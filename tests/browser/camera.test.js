// The camera, which the browser makes up: started, watched and stopped as a person does.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { PATIENCE, visitingWith } from "./page.js";
import { launch } from "./support.js";

let browser;
const visiting = visitingWith(() => browser);
before(async () => {
  browser = await launch("--use-fake-device-for-media-stream");
});
after(() => browser.close());

const allowed = { context: { permissions: ["camera"] } };

/** Counts the frames that are on their way, and how many were at most; before the page's scripts. */
const counting = async (page) => {
  await page.addInitScript(() => {
    globalThis.frames = { now: 0, most: 0, done: 0 };
    const { frames } = globalThis;
    document.addEventListener("vitrine:frame", () => {
      frames.now += 1;
      frames.most = Math.max(frames.most, frames.now);
    });
    document.addEventListener("vitrine:frame-done", () => {
      frames.now -= 1;
      frames.done += 1;
    });
  });
};

async function start(page) {
  await page.getByRole("button", { name: "Camera", exact: true }).click();
  const camera = page.getByRole("region", { name: "Camera" });
  await camera.getByRole("listitem").first().waitFor({ timeout: PATIENCE });
  return camera;
}

const tracks = (page) =>
  page.evaluate(() => document.querySelector("#camera video")?.srcObject?.getTracks().map((track) => track.readyState));

describe("the camera", () => {
  visiting(
    "classifies what it sees, one frame at a time, and stops when asked to",
    { ...allowed, prepare: counting },
    async ({ page, problems }, t) => {
      const camera = await start(page);
      assert.equal(await camera.getByRole("listitem").count(), 5);
      assert.deepEqual(await tracks(page), ["live"]);
      assert.match(await page.getByRole("status").innerText(), /camera is on/);
      await page.waitForFunction(() => globalThis.frames.done >= 12, null, { timeout: PATIENCE });
      const figures = await camera.getByText(/frames per second/).innerText();
      t.diagnostic(figures);
      assert.match(figures, /^[\d.,]+ frames per second, \d+ ms each$/);
      assert.equal(await page.evaluate(() => globalThis.frames.most), 1, "frames on their way at once");
      const marks = await page.evaluate(() => performance.getEntriesByName("vitrine:result").length);
      assert.equal(marks, 0, "frames leave nothing behind");

      const stream = await page.evaluateHandle(() => document.querySelector("#camera video").srcObject);
      await camera.getByRole("button", { name: "Stop camera" }).click();
      await camera.waitFor({ state: "hidden" });
      assert.deepEqual(await stream.evaluate((stream) => stream.getTracks().map((track) => track.readyState)), ["ended"]);
      assert.equal(await page.evaluate(() => document.activeElement.id), "camera-start");
      const { done } = await page.evaluate(() => globalThis.frames);
      await page.waitForTimeout(1000);
      assert.ok((await page.evaluate(() => globalThis.frames.done)) <= done + 1, "no frames come after that");
      assert.deepEqual(problems, []);
    },
  );

  visiting("goes on while files are classified", allowed, async (visit) => {
    const { page } = visit;
    const camera = await start(page);
    await visit.sample("Cat");
    assert.equal((await visit.predictions("chelsea.png")).length, 5);
    await camera.getByText(/frames per second/).waitFor();
  });

  visiting("is started and stopped by a key", allowed, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await page.keyboard.press("c");
    const camera = page.getByRole("region", { name: "Camera" });
    await camera.getByRole("listitem").first().waitFor({ timeout: PATIENCE });
    await page.keyboard.press("c");
    await camera.waitFor({ state: "hidden" });
  });

  visiting("that is not allowed says so and what to do, and can be closed", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("denied", "NotAllowedError"));
    });
    await page.getByRole("button", { name: "Camera", exact: true }).click();
    assert.match(await visit.alert(), /could not be started\. .*did not allow.* Allow it .*choose a picture/);
    await page.getByRole("button", { name: "Close" }).click();
    assert.equal(await page.getByRole("alert").count(), 0);
    await visit.sample("Cat");
    assert.equal((await visit.predictions("chelsea.png")).length, 5);
  });

  visiting("is not offered where the browser has none", {
    prepare: (page) =>
      page.addInitScript(() => Object.defineProperty(navigator, "mediaDevices", { value: undefined })),
  }, async (visit) => {
    await visit.ready();
    assert.equal(await visit.page.getByRole("button", { name: "Camera", exact: true }).count(), 0);
  });
});
