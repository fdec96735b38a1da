// The language of the page. The English sentence is the key: `assets/words/LANGUAGE.json` has it in
// another language, and where it has none the English one stands.

/** The document's element, which carries language, theme, route and phase. */
export const root = document.documentElement;
let table = {};

/** A sentence in the language of the page, with `{name}` replaced by the value of that name. */
export function say(sentence, values = {}) {
  const template = table[sentence] ?? sentence;
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Resolves once the page speaks its language; the page's program waits for it. */
export const spoken = root.lang === "en" ? Promise.resolve() : translate(root.lang);

async function translate(language) {
  try {
    const response = await fetch(`words/${language}.json`);
    if (!response.ok) throw new Error(`the site answered ${response.status}`);
    table = await response.json();
  } catch {
    // English words are better than none.
    root.lang = "en";
    return;
  }
  globalThis.vitrineWords = table;
  document.title = say(document.title);
  translateBelow(document.body);
}

/** Texts and labels of the shell; what the program adds is written in the language to begin with. */
function translateBelow(element) {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    const sentence = node.data.trim().replace(/\s+/g, " ");
    if (sentence in table) node.data = node.data.replace(/\S[\s\S]*\S|\S/, () => table[sentence]);
  }
  for (const name of ["aria-label", "placeholder", "alt"]) {
    for (const labelled of element.querySelectorAll(`[${name}]`)) {
      labelled.setAttribute(name, say(labelled.getAttribute(name)));
    }
  }
}
