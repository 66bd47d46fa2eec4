"use strict";
// What the pages share that are not about one listing at a time: how they ask the server, and say what went wrong.
const find = (selector, inside = document) => inside.querySelector(selector);
const words = JSON.parse(find("#words").textContent);
const statusLine = find("#status"), alarm = find("#alarm"), box = find("#confirm");
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
const place = { window: (sessionStorage.window ??= random()), page: random() };
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const send = (path, body) => fetch(path, {
  method: "POST",
  headers: { "content-type": "application/json", "x-csrf-token": find("meta[name=csrf-token]").content },
  body: JSON.stringify({ ...place, ...body }),
  keepalive: path === "/release",
});
async function post(path, body) {
  let answer, said = {};
  try {
    answer = await send(path, body);
    if (answer.headers.get("content-type")?.includes("json")) said = await answer.json();
  } catch (error) { throw Object.assign(error, { wording: "no_answer" }); }
  if (!answer.ok) throw Object.assign(new Error(said.problem ?? said.detail ?? answer.statusText), { status: answer.status });
  return said;
}
// What a page asks for to show it: a failure says nothing about what was stored.
const fetchToShow = (path, body) => post(path, body).catch((error) => { throw Object.assign(error, { wording: "not_loaded" }); });
// Where the server's answer to an undo is lost, the next one repeats it: nothing more is taken back. What has been
// answered since is taken back by an undo of its own.
let undoId = null;
async function postAnswers(path, body) {
  const said = await post(path, body);
  undoId = null;
  return said;
}
async function postUndo() {
  const { undone } = await post("/undo", { undo: (undoId ??= random()) });
  undoId = null;
  return undone;
}
function raise(error) {
  alarm.textContent = fill(words[error.wording ?? "wall_failed"], { problem: error.message });
  if (error.status === 401) {
    const link = document.createElement("a");
    link.href = `/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`;
    link.textContent = words.sign_in;
    alarm.append(" ", link);
  }
  alarm.hidden = false;
}
let isBusy = false;
function setBusy(busy) {
  isBusy = busy;
  find("main").ariaBusy = String(busy);
}
async function once(work) {
  if (isBusy) return;
  setBusy(true);
  try {
    await work();
    alarm.hidden = true;
  } catch (error) { raise(error); } finally { setBusy(false); }
}
const isForKeys = (event) => !(event.repeat || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]"));
// Letters go by what is printed on the key, and by its place where nothing Latin is printed.
const letterOf = ({ key, code }) => (key.length === 1 && key.charCodeAt(0) > 0x24f && /^Key[A-Z]$/.test(code) ? code[3] : key).toLowerCase();
const areKeysOn = () => localStorage.getItem("review-keys-off") === null;
