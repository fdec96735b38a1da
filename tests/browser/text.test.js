// Texts, typed or dropped, and tables of them.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe } from "node:test";
import { parsePrediction, PATIENCE, visitingWith } from "./page.js";
import { fixture, launch } from "./support.js";

let browser;
let scratch;
before(async () => {
  browser = await launch();
  scratch = await mkdtemp(path.join(os.tmpdir(), "vitrine-"));
});
after(async () => {
  await browser.close();
  await rm(scratch, { recursive: true });
});

const visiting = visitingWith(() => browser);

const THANKS = "Thank you so much, this made my whole week!";

const textbox = (visit) => visit.page.getByRole("textbox", { name: "Text to analyse" });
const analyse = (visit) => visit.page.getByRole("button", { name: "Analyse", exact: true }).click();

/** Label of a classifier's best class on a card. */
async function best(visit, name, title) {
  return parsePrediction((await visit.predictions(name, title))[0]).label;
}

async function file(name, content) {
  const place = path.join(scratch, name);
  await writeFile(place, content);
  return place;
}

describe("texts", () => {
  visiting("a text is analysed as it is typed, and stays when handed in", {}, async (visit) => {
    await visit.ready();
    await textbox(visit).pressSequentially("I am so", { delay: 20 });
    await visit.card("I am so").waitFor({ timeout: PATIENCE });
    await visit.predictions("I am so", "Emotion");
    await textbox(visit).pressSequentially(" happy for you", { delay: 20 });
    assert.equal(await best(visit, "I am so happy for you", "Emotion"), "joy");
    assert.equal(await best(visit, "I am so happy for you", "Sentiment"), "positive");
    assert.equal(await visit.page.getByRole("article").count(), 1, "a draft replaces the one before");
    await analyse(visit);
    await textbox(visit).fill("My card has not arrived yet");
    assert.equal(await best(visit, "My card has not arrived yet", "Intent"), "card arrival");
    assert.equal(await visit.page.getByRole("article").count(), 2, "what was handed in stays");
    assert.deepEqual(visit.problems, []);
  });

  visiting("a sample phrase gets emotion, sentiment and intent with stage times", {}, async (visit) => {
    await visit.ready();
    await visit.page.getByRole("button", { name: THANKS }).click();
    const card = visit.page.getByRole("article").first();
    await card.waitFor({ timeout: PATIENCE });
    const name = await card.getAttribute("aria-label");
    assert.equal(await best(visit, name, "Emotion"), "gratitude");
    assert.equal(await best(visit, name, "Sentiment"), "positive");
    assert.equal((await visit.predictions(name, "Intent")).length, 5);
    for (const stage of ["Tokenise", "Encode", "Classify"]) {
      assert.match(await card.innerText(), new RegExp(`${stage}\\s*[\\d.]+\\s*ms`, "i"));
    }
  });

  visiting("an empty text is asked for", {}, async (visit) => {
    await visit.ready();
    await textbox(visit).fill("  \n ");
    await analyse(visit);
    await visit.page.getByRole("status").getByText("There is no text to analyse").waitFor();
    assert.ok(await textbox(visit).evaluate((element) => element === document.activeElement));
    assert.equal(await visit.page.getByRole("article").count(), 0);
    await visit.drop(await file("blank.txt", " \n"));
    assert.match(await visit.alert(), /blank\.txt.*no text/i);
  });

  visiting("of a long text the beginning is read, and that is said", {}, async (visit) => {
    await visit.ready();
    await visit.choose(await file("long.txt", "It was a wonderful day at the sea. ".repeat(75)));
    await visit.predictions("long.txt", "Emotion");
    assert.match(await visit.card("long.txt").innerText(), /Only the first 1\d\d of \d{3,4} tokens were read/);
  });

  visiting("other languages, emoji and odd bytes are taken", {}, async (visit) => {
    await visit.ready();
    const odd = Buffer.concat([Buffer.from("Thanks "), Buffer.from([0xff, 0xfe]), Buffer.from(" a lot")]);
    await visit.choose(
      await file("chinese.txt", "我今天非常高兴，谢谢你们！"),
      await file("german.md", "# Grüße\n\nVielen Dank für die schöne Überraschung 🎉❤️"),
      await file("odd.txt", odd),
    );
    for (const name of ["chinese.txt", "german.md", "odd.txt"]) {
      const shares = (await visit.predictions(name, "Sentiment")).map((item) => parsePrediction(item).probability);
      assert.ok(shares.every((share) => share >= 0 && share <= 1), name);
    }
    assert.match(await visit.card("odd.txt").innerText(), /2 bytes were no UTF-8/);
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  visiting("a pasted text is analysed", {}, async (visit) => {
    await visit.ready();
    await visit.page.evaluate((text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
    }, "I was charged a fee for using my card abroad");
    const name = await visit.page.getByRole("article").first().getAttribute("aria-label", { timeout: PATIENCE });
    assert.equal((await visit.predictions(name, "Intent")).length, 5);
  });

  visiting("a text that is longer than the box becomes a file", {}, async (visit) => {
    await visit.ready();
    const paste = (text) =>
      textbox(visit).evaluate((box, text) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", text);
        return box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      }, text);
    assert.equal(await paste("It was a wonderful day. "), true, "left to the browser");
    assert.equal(await paste("It was a wonderful day. ".repeat(10_000)), false, "taken by the page");
    await visit.predictions("pasted-text.txt", "Emotion");
    assert.match(await visit.card("pasted-text.txt").innerText(), /Only the first 1\d\d of \d[\d,.]+ tokens were read/);
    assert.equal(await textbox(visit).inputValue(), "");
    assert.equal(await visit.page.getByRole("article").count(), 1);
  });

  visiting("a full box says that it is full", {}, async (visit) => {
    await visit.ready();
    await textbox(visit).fill("no ".repeat(66_667).slice(0, 200_000));
    await visit.page.getByRole("status").getByText("The box is full: it holds 200,000 characters").waitFor();
  });

  visiting("files without an ending and pictures that are called texts are told by their content", {}, async (visit) => {
    await visit.ready();
    await visit.choose(
      await file("README", "Thank you so much, this made my whole week!"),
      await file("photo.txt", await readFile(fixture("pictures/upright.jpg"))),
      await file("table.csv", await readFile(fixture("pictures/photo.bmp"))),
    );
    assert.equal((await visit.predictions("README", "Intent")).length, 5);
    for (const name of ["photo.txt", "table.csv"]) assert.equal((await visit.predictions(name)).length, 5);
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  visiting("files whose first bytes do not come are taken for what they are called", {}, async (visit) => {
    await visit.ready();
    await visit.choose(await file("first.txt", "I am so happy for you"));
    await visit.predictions("first.txt", "Emotion");
    // One file's bytes never come, another's cannot be read meanwhile.
    await visit.page.evaluate(() => {
      let n = 0;
      Blob.prototype.arrayBuffer = () => {
        n += 1;
        return n === 1 ? new Promise(() => {}) : Promise.reject(new DOMException("gone", "NotReadableError"));
      };
    });
    await visit.choose(await file("second.txt", "That is very sad"), await file("third.txt", "What a surprise!"));
    for (const name of ["second.txt", "third.txt"]) assert.ok((await visit.predictions(name, "Emotion")).length > 0);
    assert.deepEqual(visit.problems, []);
  });

  visiting("a file that is no text is refused in words", {}, async (visit) => {
    await visit.ready();
    await visit.choose(await file("binary.txt", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1])));
    const alert = await visit.alert();
    assert.match(alert, /binary\.txt/);
    assert.match(alert, /not a text/);
    assert.match(alert, /UTF-8/);
  });
});

describe("tables", () => {
  visiting("a CSV asks for its column, is analysed row by row, and kept as CSV", {}, async (visit) => {
    await visit.ready();
    const rows = [
      'id,"comment, verbatim",stars',
      `1,"${THANKS}",5`,
      '2,"She said ""never again"" and left, this is awful",1',
      '3,"two\nlines of joy, I love it",4',
      '4,"=HYPERLINK(""x"")",3',
    ];
    await visit.choose(await file("comments.csv", `\ufeff${rows.join("\r\n")}\r\n`));
    const card = visit.card("comments.csv");
    const column = card.getByRole("combobox", { name: "Column with the texts" });
    await column.waitFor({ timeout: PATIENCE });
    assert.equal(await column.locator("option:checked").innerText(), "comment, verbatim", "the likely column");
    await column.selectOption({ label: "comment, verbatim" });
    await card.getByRole("button", { name: "Analyse 4 rows" }).click();
    const save = card.getByRole("button", { name: "Download as CSV" });
    await save.waitFor({ timeout: PATIENCE });
    assert.equal(await card.getByRole("row").count(), 1 + 4);
    const { name, text } = await visit.saved(() => save.click());
    assert.equal(name, "comments-analysed.csv");
    const lines = text.trimEnd().split("\r\n");
    assert.match(lines[0], /^row,text,emotion,emotion probability,sentiment/);
    assert.match(lines[1], /gratitude/);
    assert.ok(
      lines.some((line) => line.includes("'=HYPERLINK")),
      "a formula is made harmless",
    );
    const totals = await visit.items(card.getByRole("list", { name: "Sentiment, totals" }));
    assert.match(totals[0], /^positive [23] rows$/);
    assert.deepEqual(visit.problems, []);
  });

  visiting("a ragged row, an open quotation mark and an empty table are told by line", {}, async (visit) => {
    await visit.ready();
    for (const [name, content, words] of [
      ["ragged.csv", "a,b\n1,2\n3\n", /ragged\.csv.*Line 3.*1 cell/s],
      ["open.csv", 'a,b\n1,"two\n3,4\n', /open\.csv.*Line 2.*quotation mark/s],
      ["empty.csv", "a,b\n", /empty\.csv.*no rows/s],
    ]) {
      await visit.choose(await file(name, content));
      const alert = visit.card(name).getByRole("alert");
      await alert.waitFor({ timeout: PATIENCE });
      assert.match((await alert.innerText()).replace(/\s+/g, " "), words);
    }
  });

  visiting("100,000 rows are opened, begun, and can be cancelled", {}, async (visit) => {
    await visit.ready();
    const row = (at) => `${at},this is comment number ${at} and I like it`;
    const rows = ["id,text", ...Array.from({ length: 100_000 }, (_, at) => row(at))];
    await visit.choose(await file("many.csv", rows.join("\n")));
    const card = visit.card("many.csv");
    await card.getByRole("button", { name: "Analyse 100000 rows" }).click({ timeout: PATIENCE });
    const progress = card.getByRole("progressbar", { name: "Rows analysed" });
    await progress.waitFor();
    await visit.page.waitForFunction((element) => element.value >= 16, await progress.elementHandle(), {
      timeout: PATIENCE,
    });
    await visit.page.getByRole("button", { name: "Cancel" }).click();
    await textbox(visit).fill(THANKS);
    await visit.page.getByRole("article", { name: /^Thank you so much/ }).waitFor({ timeout: PATIENCE });
  });
});
