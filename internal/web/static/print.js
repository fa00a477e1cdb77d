// The one button of a card's sheet.
document.getElementById("print").addEventListener("click", () => print());
