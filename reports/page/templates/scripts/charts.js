"use strict";
// The picture of each chart gives way to the interactive one. `ast` makes Vega interpret its expressions, since the
// page's policy forbids eval. Where a site's script for all pages did not come, the pictures stay.
for (const holder of window.vegaEmbed ? document.querySelectorAll(".chart") : []) {
  const specification = JSON.parse(holder.querySelector("script").textContent);
  const live = document.createElement("div");
  const options = { actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
  window.vegaEmbed(live, specification, options).then(
    () => holder.replaceChildren(live),
    (error) => console.error(error),
  );
}
