"use strict";
// Sortable tables: a click on a heading orders the rows by their data-sort values, a second click turns them round.
// Each part of a table is ordered on its own, below its heading.
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("over"));
        body.append(...rows.sort((a, b) => compare(a.cells[column], b.cells[column], down)));
      }
    });
  });
}

// Empty values stay at the end in both directions.
function compare(a, b, down) {
  const [x, y] = [a.dataset.sort ?? a.textContent.trim(), b.dataset.sort ?? b.textContent.trim()];
  if (x === "" || y === "") return (x === "") - (y === "");
  const numbers = [Number(x), Number(y)];
  const order = numbers.some(Number.isNaN) ? x.localeCompare(y) : numbers[0] - numbers[1];
  return down ? -order : order;
}
