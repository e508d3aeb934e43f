// Makes ranking easier; without it, the lists of places below the images do the same.
"use strict";

document.documentElement.classList.add("scripted");

const form = document.getElementById("ranking");
if (form) {
  const list = document.getElementById("cards");
  const said = document.getElementById("said");
  let isOrdered = form.dataset.ordered === "yes";
  let moving = null;

  const cards = () => [...list.children];
  const placeOf = card => cards().indexOf(card) + 1;

  // The order of the cards is the ranking, and the lists follow it, once the rater has moved something.
  function show() {
    const all = cards();
    all.forEach((card, i) => {
      const place = `place ${i + 1} of ${all.length}`;
      card.querySelector("select").value = isOrdered ? `${i + 1}` : "";
      const handle = card.querySelector(".handle");
      handle.textContent = isOrdered ? `${i + 1}` : "–";
      handle.setAttribute("aria-label", `Move ${card.dataset.name}${isOrdered ? `, now ${place}` : ""}`);
    });
  }

  function move(card, place) {
    const others = cards().filter(other => other !== card);
    const index = Math.max(0, Math.min(others.length, place - 1));
    if (placeOf(card) !== index + 1)
      list.insertBefore(card, others[index] ?? null);
    isOrdered = true;
    show();
  }

  function say(card) {
    said.textContent = `${card.dataset.name} is in place ${placeOf(card)} of ${cards().length}.`;
  }

  for (const card of cards()) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "handle";
    handle.setAttribute("aria-describedby", "how");
    card.querySelector(".place").prepend(handle);

    handle.addEventListener("keydown", event => {
      const place = placeOf(card);
      const target =
        event.key === "ArrowLeft" || event.key === "ArrowUp" ? place - 1
        : event.key === "ArrowRight" || event.key === "ArrowDown" ? place + 1
        : event.key === "Home" ? 1
        : event.key === "End" ? cards().length
        : /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey ? Number(event.key)
        : null;
      if (target === null)
        return;
      event.preventDefault();
      move(card, target);
      handle.focus();
      say(card);
    });

    card.querySelector("select").addEventListener("change", event => {
      const select = event.target;
      if (select.value !== "") {
        move(card, Number(select.value));
        select.focus();
        say(card);
      } else {
        show();
      }
    });
  }

  // A finger drags by the handle, since it scrolls the page by the image; a mouse drags by both.
  list.addEventListener("pointerdown", event => {
    const card = event.target.closest(".card");
    if (!card || event.button !== 0 || event.target.closest("select, label"))
      return;
    if (event.pointerType !== "mouse" && !event.target.closest(".handle"))
      return;
    moving = { card, id: event.pointerId, x: event.clientX, y: event.clientY, isMoved: false };
    list.setPointerCapture(event.pointerId);
  });

  list.addEventListener("pointermove", event => {
    if (!moving || event.pointerId !== moving.id)
      return;
    if (!moving.isMoved && Math.hypot(event.clientX - moving.x, event.clientY - moving.y) < 6)
      return;
    moving.isMoved = true;
    moving.card.classList.add("moving");
    const edge = 70;
    if (event.clientY < edge)
      window.scrollBy(0, -12);
    else if (event.clientY > window.innerHeight - edge)
      window.scrollBy(0, 12);
    const under = cards().find(card => {
      const box = card.getBoundingClientRect();
      return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    });
    if (under && under !== moving.card)
      move(moving.card, placeOf(under));
  });

  function drop(event) {
    if (!moving || event.pointerId !== moving.id)
      return;
    const { card, isMoved } = moving;
    moving = null;
    card.classList.remove("moving");
    if (isMoved) {
      card.querySelector(".handle").focus({ preventScroll: true });
      say(card);
    }
  }

  list.addEventListener("pointerup", drop);
  list.addEventListener("pointercancel", drop);

  // An order that nobody touched is an order that perhaps nobody looked at.
  form.addEventListener("submit", event => {
    if (isOrdered)
      return;
    event.preventDefault();
    isOrdered = true;
    show();
    said.textContent = "You have not moved an image. If this order is right, go on once more.";
  });

  show();
}

const naming = document.getElementById("naming");
if (naming) {
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, summary"))
      return;
    if (event.key === "1" || event.key === "2")
      naming.querySelector(`[value="${event.key}"][name="maker"]`).click();
  });
}
