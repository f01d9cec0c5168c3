import { defineConfig } from "vitest/config";

// The city to develop against: the demo, or the fixture of test/fixture.
const backend = process.env["SVETOFOR_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  build: {
    outDir: "dist",
    target: "es2023",
    // The licence texts of what we bundle go with it.
    license: { fileName: "licenses.md" },
    // Fonts stay files: a page loads only the alphabets it shows.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1300,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  // The host stays the page's: the centre compares it with the origin of every change.
  server: { proxy: { "/api": { target: backend, changeOrigin: false } } },
  test: { include: ["test/unit/**/*.test.ts"] },
});
