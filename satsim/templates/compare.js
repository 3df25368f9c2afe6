/* The report's sliders: which picture is shown, and how far it is laid over the original. */
"use strict";
const find = (id) => document.getElementById(id);
const shots = [...document.querySelectorAll(".shot")];
const [which, share] = [find("which"), find("share")];
const received = new Image();
find("swipe").prepend(document.querySelector("figure img").cloneNode(), received);

function showPicture() {
  const shot = shots[which.value - 1];
  const label = shot.closest(".film").querySelector("h3").textContent;
  const facts = shot.querySelector("figcaption").innerText.replace(/\s*\n\s*/g, ", ");
  received.src = shot.querySelector("img").src;
  received.alt = `the picture of ${label}`;
  find("said").textContent = `${which.value} of ${shots.length}: ${label}, ${facts}`;
  which.setAttribute("aria-valuetext", find("said").textContent);
}

function moveSeam() {
  const left = 100 - share.value;
  received.style.clipPath = `inset(0 0 0 ${left}%)`;
  find("seam").style.left = `${left}%`;
  share.setAttribute("aria-valuetext", `${share.value} %`);
}

which.addEventListener("input", showPicture);
share.addEventListener("input", moveSeam);
showPicture();
moveSeam();
find("compare").hidden = false;
