"use strict";
// All questions that a filter finds get one answer, also those that nobody has looked at; one key takes it back.
(() => {
  const { filters, count } = find("#bulk").dataset;
  const batch = random();
  function ask(button) {
    if (isBusy || !button) return;
    box.dataset.decision = button.dataset.decide;
    find("#confirm-text").textContent = fill(words.confirm_bulk, { count: button.dataset.count, answer: button.dataset.label });
    box.showModal();
  }
  const decide = () => once(async () => {
    box.close();
    // However often it is sent, a batch counts once, so it can be sent again after a lost connection.
    const said = await postAnswers("/bulk", { filters: JSON.parse(filters), decision: box.dataset.decision, count: Number(count), batch });
    if (said.state === "changed") throw new Error(words.bulk_changed);
    statusLine.textContent = fill(said.others ? words.wall_saved_some : words.wall_saved, { count: said.stored, others: said.others });
    for (const button of document.querySelectorAll("[data-decide]")) button.disabled = true;
  });
  const undo = () => once(async () => {
    if (await postUndo()) location.reload(); else statusLine.textContent = words.nothing_to_undo;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-decide], [data-undo]");
    if (button && "decide" in button.dataset) ask(button);
    else if (button) undo();
  });
  find("#confirm-yes").addEventListener("click", decide);
  document.addEventListener("keydown", (event) => {
    if (!isForKeys(event) || !areKeysOn()) return;
    const decision = { a: "accept", s: "reject" }[letterOf(event)];
    if (decision) ask(find(`[data-decide=${decision}]:enabled`));
    else if (letterOf(event) === "u") undo();
    else return;
    event.preventDefault();
  });
})();
