import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// Every package whose code or font is inside dist, with the licence text that must travel with it.
const bundled = ["preact", "@preact/signals", "@preact/signals-core", "uplot", "@fontsource-variable/inter"];

/** Writes the licences of what is bundled next to the bundle. */
function licences() {
  return {
    name: "licences",
    generateBundle() {
      const texts = bundled.map((name) => {
        const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
        return `${name} ${version}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`;
      });
      this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join(`\n${"-".repeat(78)}\n\n`) });
    },
  };
}

export default defineConfig({
  plugins: [licences()],
  // Modern browsers only: light-dark() and nesting stay as written.
  build: {
    target: "es2022", cssTarget: ["chrome123", "firefox120", "safari17.5"], assetsInlineLimit: 0, modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
