"use strict";
// The search for a category as one types: arrows choose, Enter takes. Several pages have its dialog.
function categorySearch(take) {
  const box = document.querySelector("#find"), text = box.querySelector("#find-text"), found = box.querySelector("#found");
  let takes = false, pointed = null;
  const options = () => [...found.querySelectorAll("[data-category]")];
  const isCurrent = () => found.querySelector("[data-for]")?.dataset.for === text.value;
  function mark(option) {
    for (const each of options()) each.setAttribute("aria-selected", each === option);
    option?.scrollIntoView({ block: "nearest" });
    if (option) text.setAttribute("aria-activedescendant", option.id); else text.removeAttribute("aria-activedescendant");
  }
  function choose(option) {
    if (!option) return;
    box.close();
    const { category, label } = option.dataset;
    take(category, label);
  }
  text.addEventListener("keydown", (event) => {
    const all = options(), at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length];
      pointed = next?.dataset.category;
      mark(next);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (isCurrent()) choose(all[at]); else { takes = true; htmx.trigger(text, "ask"); }
    }
  });
  found.addEventListener("click", (event) => choose(event.target.closest("[data-category]")));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== found) return;
    // They get their ids here: htmx would give attributes of the last list to elements with the same ids for a moment.
    options().forEach((each, place) => { each.id = `option-${place}`; });
    // A list that comes late must not move what the arrows have chosen.
    const option = options().find((each) => each.dataset.category === pointed) ?? options()[0];
    mark(option);
    if (takes && isCurrent()) { takes = false; choose(option); }
  });
  text.addEventListener("input", () => { pointed = null; });
  box.addEventListener("close", () => { takes = false; });
  // What was typed before the field was there is in it; a line break means that Enter was pressed.
  return (typed = "") => {
    const [wanted, enter] = typed.split("\n");
    text.value = wanted;
    found.replaceChildren();
    takes = enter !== undefined;
    pointed = null;
    box.showModal();
    text.focus();
    htmx.trigger(text, "ask");
  };
}
