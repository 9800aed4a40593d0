/** The colours of every page, light and dark. */
export const palette = `:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f4f1, #16181c);
  --surface: light-dark(#ffffff, #202329);
  --text: light-dark(#1c1d1f, #eceef2);
  --quiet: light-dark(#5a5e66, #a7adb8);
  --line: light-dark(#d9dade, #3a3f48);
  --accent: light-dark(#1d4fd7, #8fb0ff);
}`
