// Warns before a session ends and keeps it awake with one key, in every open page alike.
// Without scripts nothing is lost: the server ends the session and keeps what was sent.
"use strict";
(() => {
  const dialog = document.getElementById("session");
  const left = document.getElementById("session-left");
  const said = document.getElementById("session-said");
  const channel = new BroadcastChannel("schoolbridge-session");
  const WARN = 150, LAST = 30;
  let ends = 0;

  const begin = (seconds) => {
    ends = Date.now() + seconds * 1000;
    said.textContent = "";
    if (dialog.open) dialog.close();
  };
  const ask = async (method) => {
    const body = new URLSearchParams({ page_key: dialog.dataset.form });
    const asked = method === "POST" ? { method, body } : { method };
    try {
      const answer = await fetch("/portal/session", { ...asked, redirect: "manual" });
      return answer.ok ? (await answer.json()).seconds : 0;
    } catch {
      return null; // no network now: the clock here goes on
    }
  };
  const stay = async () => {
    const seconds = await ask("POST");
    if (seconds === 0) return leave();
    if (seconds !== null) {
      begin(seconds);
      channel.postMessage(seconds);
    }
  };
  const leave = () => location.replace(location.pathname);
  const check = async () => {
    const seconds = Math.round((ends - Date.now()) / 1000);
    left.textContent = Math.max(0, seconds);
    if (seconds <= LAST) said.textContent = said.dataset.last;
    if (seconds > WARN || (dialog.open && seconds > 0)) return;
    const known = await ask("GET"); // another window may have kept it awake
    if (known === null) return;
    if (known > WARN) return begin(known);
    if (known <= 0) return leave();
    if (!dialog.open) {
      dialog.showModal();
      said.textContent = said.dataset.soon;
    }
  };
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });
  dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); stay(); });
  channel.addEventListener("message", (event) => begin(event.data));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  begin(Number(dialog.dataset.seconds));
  channel.postMessage(Number(dialog.dataset.seconds));
  setInterval(check, 1000);
})();
