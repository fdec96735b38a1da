// The check of contrast itself: it finds what is known to be bad, and nothing else.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { measureContrast } from "./contrast.js";
import { launch } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Measures a page that consists of this. */
async function measured(body) {
  const page = await browser.newPage({ viewport: { width: 640, height: 600 } });
  try {
    await page.setContent(`<!doctype html><body style="font: 16px sans-serif; background: #fff">${body}`);
    return await measureContrast(page);
  } finally {
    await page.close();
  }
}

describe("contrast", () => {
  for (const [what, body, nFailures] of [
    ["grey just dark enough", '<p style="color:#757575">text</p>', 0],
    ["grey just too light", '<p style="color:#787878">text</p>', 1],
    ["large text may be lighter", '<p style="color:#888;font-size:24px">text</p>', 0],
    ["large text may not be too light", '<p style="color:#999;font-size:24px">text</p>', 1],
    ["bold text is large from 18.66 px", '<p style="color:#888;font-size:19px;font-weight:700">text</p>', 0],
    [
      "a gradient that ends too near to the text's colour",
      '<p style="color:#fff;background:linear-gradient(90deg,#000,#bbb);display:inline-block">from dark to light</p>',
      1,
    ],
    ["a gradient dark enough everywhere", '<p style="color:#fff;background:linear-gradient(90deg,#000,#444)">text</p>', 0],
    ["text that is half transparent", '<p style="color:rgb(0 0 0 / 0.4)">text</p>', 1],
    ["text in something half transparent", '<div style="opacity:0.4"><p style="color:#000">text</p></div>', 1],
    ["a placeholder", '<style>::placeholder{color:#bbb;opacity:1}</style><textarea placeholder="type here"></textarea>', 1],
    ["what is typed", '<textarea style="color:#bbb">typed</textarea>', 1],
    ["text that is only to be selected", '<svg><text y="20" style="fill:transparent">text</text></svg>', 0],
    ["text that is hidden", '<p hidden>text</p><p style="visibility:hidden;color:#eee">text</p>', 0],
    ["text scrolled out of its frame", '<div style="height:20px;overflow:auto;color:#000">seen<p style="color:#eee">not seen</p></div>', 0],
    [
      "text at the end of a table that scrolls sideways",
      '<div class="table-frame" style="width:90px;overflow:auto"><p style="width:400px;text-align:right;color:#eee">text</p></div>',
      1,
    ],
    ["text far below the fold", '<div style="height:3000px"></div><p style="color:#ccc">text</p>', 1],
  ]) {
    test(`${what}: ${nFailures === 0 ? "fits" : "is found"}`, async () => {
      const { failures } = await measured(body);
      assert.equal(failures.length, nFailures, JSON.stringify(failures));
    });
  }

  test("the figure is WCAG's", async () => {
    const { least } = await measured('<p style="color:#777777">text</p>');
    assert.ok(Math.abs(least.contrast - 4.478) < 0.005, `${least.contrast}`);
  });
});
