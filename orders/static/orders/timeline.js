/* A <details data-loads="address"> fetches what is inside when it is opened for the first time. */
document.addEventListener("toggle", async (event) => {
  const details = event.target;
  if (!details.open || !details.dataset || !details.dataset.loads) return;
  const place = details.querySelector("[data-place]");
  const address = details.dataset.loads;
  delete details.dataset.loads;
  place.textContent = "Loading …";
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error("not shown");
    place.innerHTML = await answer.text();
  } catch {
    details.dataset.loads = address;
    place.textContent = "It could not be loaded. Close this and open it again, or open the line's own page.";
  }
}, true);
