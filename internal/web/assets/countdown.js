// Counts down the seconds until another text can be asked for. Without it the page
// says how long that is, and the server tells who presses too early. The words are
// the page's: {n} in them is the seconds.
for (const form of document.querySelectorAll("form[data-seconds]")) {
  const button = form.querySelector("button");
  const words = button.textContent;
  const end = performance.now() + Number(form.dataset.seconds) * 1000;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? form.dataset.words.replace("{n}", left) : words;
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}
