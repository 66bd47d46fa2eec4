"use strict";
// Who has which questions: a lead frees what a person holds, or leaves a question to one person.
(() => {
  const ask = (path, body) => once(async () => {
    const { state } = await post(path, body);
    if (state === "refused" || state === "taken") throw new Error(words.lead_not_open);
    location.reload();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-free]");
    if (button) ask("/lead/free", { reviewer: button.dataset.free });
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-leave]");
    if (!form) return;
    event.preventDefault();
    ask("/lead/leave", { listing: form.dataset.listing, judged: form.dataset.leave, reviewer: form.elements.reviewer.value });
  });
})();
