"use strict";
// The one leaderboard: all levels are in the page, one is shown; columns by theme, entries by family, loss, name and
// what they cost at most. The view is in the address, `#leaderboard-1:level=0.25;search=lt`, and comes back from it.
for (const board of document.querySelectorAll(".board")) {
  const table = board.querySelector("table");
  const controls = [...board.querySelectorAll("[data-control]")];
  const place = `leaderboard-${board.dataset.board}`;
  const limits = controls.filter((control) => control.dataset.limits);
  const usual = Object.fromEntries(controls.map((control) => [control.dataset.control, control.value]));
  const headings = [...table.tHead.rows[0].cells];
  board.querySelector(".controls").hidden = false;
  board.classList.add("chosen");

  const view = () => Object.fromEntries(controls.map((control) => [control.dataset.control, control.value]));

  // What is not known is not known to be at most anything.
  function within(row) {
    return limits.every(({ value, dataset }) => {
      const column = headings.findIndex((heading) => heading.dataset.column === dataset.limits);
      const { sort } = row.cells[column].dataset;
      return value === "" || (sort !== "" && Number(sort) <= Number(value) * Number(dataset.unit));
    });
  }

  function apply() {
    const { level, columns, family, loss, search } = view();
    const sought = search.trim().toLowerCase();
    const wanted = (row) =>
      row.dataset.entry === "dense" ||
      ((!family || row.dataset.family === family) &&
        (!loss || row.dataset.loss === loss) &&
        within(row) &&
        row.dataset.entry.toLowerCase().includes(sought));
    table.dataset.columns = columns;
    let shown = 0;
    let all = 0;
    for (const body of table.tBodies) {
      // The dense network stands above every level but its own, where it is one of the entries.
      const current = body.classList.contains("reference") ? Number(level) < 1 : body.dataset.level === level;
      body.hidden = !current;
      if (!current || !body.dataset.level || body.classList.contains("level")) continue;
      let here = 0;
      for (const row of body.rows) {
        if (!row.dataset.entry) continue;
        row.hidden = !wanted(row);
        const details = row.nextElementSibling;
        if (details?.classList.contains("details")) details.hidden = row.hidden;
        here += !row.hidden;
        all += 1;
      }
      shown += here;
      body.hidden = here === 0;
    }
    board.querySelector("[data-shown]").textContent = shown === all ? `${all} entries` : `${shown} of ${all} entries`;
  }

  // The address tells what differs from the usual view.
  function remember() {
    const sorted = headings.find((heading) => heading.hasAttribute("aria-sort"));
    const parts = Object.entries(view()).filter(([name, value]) => value !== usual[name]);
    if (sorted) parts.push(["sort", `${headings.indexOf(sorted)}-${sorted.getAttribute("aria-sort")}`]);
    const text = parts.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(";");
    history.replaceState(null, "", `#${place}${text ? `:${text}` : ""}`);
  }

  function recall() {
    const [where, text] = location.hash.slice(1).split(":");
    if (where !== place) return;
    for (const part of (text ?? "").split(";")) {
      const [name, value] = part.split("=");
      const control = controls.find((one) => one.dataset.control === name);
      if (control) control.value = decoded(value);
      if (control && control.value === "" && usual[name] !== "") control.value = usual[name]; // no such choice here
      const [column, order] = name === "sort" ? value.split("-") : [];
      if (headings[column] && ["ascending", "descending"].includes(order)) sortTable(table, Number(column), order);
    }
    if (text) document.getElementById(place).scrollIntoView();
  }

  for (const control of controls) {
    control.addEventListener("input", () => {
      apply();
      remember();
    });
  }
  table.addEventListener("sorted", () => {
    apply();
    remember();
  });
  addRowDetails(board, table, headings);
  recall();
  apply();
}

function decoded(text) {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return "";
  }
}

// An entry's name opens all that its row knows, and what it is worth at the other levels.
function addRowDetails(board, table, headings) {
  for (const name of table.querySelectorAll(".open")) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.append(...name.childNodes);
    name.append(button);
  }
  table.addEventListener("click", (event) => {
    const button = event.target.closest(".open button");
    if (!button) return;
    const row = button.closest("tr");
    const opened = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!opened));
    if (opened) row.nextElementSibling.remove();
    else row.after(detailsOf(row, table, headings));
  });
}

function detailsOf(row, table, headings) {
  const details = document.createElement("tr");
  details.className = "details";
  const cell = details.insertCell();
  cell.colSpan = headings.length;
  const figures = document.createElement("dl");
  [...row.cells].forEach((one, column) => {
    if (column > 1) figures.append(fact(headings[column].textContent, one.cloneNode(true).childNodes));
  });
  cell.append(figures, atOtherLevels(row, table), takingHome(row));
  return details;
}

// The command that writes the network of an entry at the level of its row.
function takingHome(row) {
  const line = document.createElement("p");
  const command = document.createElement("code");
  const level = row.closest("tbody").dataset.level ?? "1.0";
  const quoted = `'${row.dataset.entry.replaceAll("'", `'"'"'`)}'`;
  const { export: written } = row.closest(".board").dataset;
  command.textContent = written.replace("ENTRY", () => quoted).replace("SHARE", level);
  line.append("Take it home: ", command);
  return line;
}

function fact(term, nodes) {
  const pair = document.createElement("div");
  const [title, value] = ["dt", "dd"].map((tag) => document.createElement(tag));
  title.textContent = term.replaceAll("\u00ad", "");
  value.append(...nodes);
  pair.append(title, value);
  return pair;
}

function atOtherLevels(row, table) {
  const list = document.createElement("p");
  const found = [];
  for (const body of table.tBodies) {
    const same = body.dataset.level && [...body.rows].find((one) => one.dataset.entry === row.dataset.entry);
    if (!same) continue;
    const level = Number((100 * Number(body.dataset.level)).toPrecision(3));
    found.push(`${level}%: AUC ${same.cells[3].querySelector("strong")?.textContent ?? "–"}`);
  }
  list.textContent = `At each level: ${found.join("; ")}.`;
  return list;
}
