"use strict";
// Before anything is drawn: scripts are on, and the reader chose light or dark on an earlier page.
document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("prune-harness-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the page looks as the system does.
}
