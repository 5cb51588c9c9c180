/* The theme copies a chosen file's name into the text field of its own widget. A plain file field has none, and shows the
   name itself: it is marked as cared for, before the theme looks (on load), or choosing a file would fail in its script. */
document.addEventListener("DOMContentLoaded", () => {
  for (const input of document.querySelectorAll("input[type=file]")) {
    const around = input.parentNode.parentNode.parentNode;
    if (!around.querySelector("input[type=text]:not([hidden])")) input.hasChangeListener = true;
  }
});
