// Before the first paint: theme and language, from the address, else as chosen before, else as the
// browser says. Everything else waits for boot.js, and so do files that are dropped before it is there.
{
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  const kept = (key) => {
    try {
      return localStorage.getItem(`vitrine-${key}`);
    } catch {
      return null;
    }
  };
  const theme = query.get("theme") ?? kept("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  const served = ["en", "de"];
  const wished = [query.get("lang"), kept("language"), ...navigator.languages];
  const language = wished.map((tag) => tag?.slice(0, 2)).find((tag) => served.includes(tag)) ?? "en";
  // A document that is not to be translated, as licences are not, keeps the language it is in.
  if (root.translate) root.lang = language;

  const dropped = [];
  const keep = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    if (event.type === "drop") dropped.push(...event.dataTransfer.files);
  };
  const kinds = ["dragover", "drop"];
  for (const kind of kinds) document.addEventListener(kind, keep);
  // Ends the waiting and gives what was dropped until then.
  window.takeDropped = () => {
    for (const kind of kinds) document.removeEventListener(kind, keep);
    return dropped.splice(0);
  };
}
