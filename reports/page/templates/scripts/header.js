"use strict";
// What is of use with scripts alone becomes visible: the theme's button, the printer's, and one to copy the command.
for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;

{
  const button = document.querySelector("[data-theme-button]");
  const root = document.documentElement;
  const words = { "": "as the system", light: "light", dark: "dark" };
  const show = () => { button.textContent = `Theme: ${words[root.dataset.theme ?? ""]}`; };
  button?.addEventListener("click", () => {
    const themes = Object.keys(words);
    const next = themes[(themes.indexOf(root.dataset.theme ?? "") + 1) % themes.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    try {
      localStorage.setItem("prune-harness-theme", next);
    } catch {
      // No storage: the choice holds for this page.
    }
    show();
  });
  if (button) show();
}

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());

for (const text of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  const command = text.textContent;
  const words = document.createElement("span");
  words.append(...text.childNodes);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text.firstElementChild); // not every browser lets a file write to the clipboard
      button.textContent = "Selected";
    }
  });
  text.append(words, " ", button);
}
