(function () {
  "use strict";
  var rows = Array.from(document.querySelectorAll("details.question"));
  var words = document.getElementById("words");
  var type = document.getElementById("type");
  var verdict = document.getElementById("verdict");
  var count = document.getElementById("count");
  function filter() {
    var wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    rows.forEach(function (row) {
      var text = row.textContent.toLowerCase();
      var keep = (!type.value || row.dataset.type === type.value) &&
        (!verdict.value || row.dataset.verdict === verdict.value) &&
        wanted.every(function (word) { return text.indexOf(word) >= 0; });
      row.hidden = !keep;
      shown += keep ? 1 : 0;
    });
    count.textContent = shown + " of " + rows.length;
  }
  function follow() {
    var row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (row && row.tagName === "DETAILS") {
      row.hidden = false;
      row.open = true;
      row.scrollIntoView();
    }
  }
  [words, type, verdict].forEach(function (field) { field.addEventListener("input", filter); });
  window.addEventListener("hashchange", follow);
  filter();
  follow();
})();
