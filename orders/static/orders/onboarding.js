/* Fields with data-when="other=a,b" show only while that choice is made in their form. Without this all of them show. */
const choose = (form) => {
  const chosen = new FormData(form);
  for (const field of form.querySelectorAll("[data-when]")) {
    const [name, values] = field.dataset.when.split("=");
    field.hidden = !values.split(",").includes(chosen.get(name));
  }
};
for (const form of document.querySelectorAll("form")) {
  if (!form.querySelector("[data-when]")) continue;
  choose(form);
  form.addEventListener("change", () => choose(form));
}
