// The browser engines beside Chromium, and how each is started; what set-up found comes in by
// environment.

const { VITRINE_FIREFOX, VITRINE_GECKODRIVER, VITRINE_MINIBROWSER } = process.env;

/** By name, as `Browser.start` takes them. */
export const BROWSERS = {
  firefox: {
    command: [VITRINE_GECKODRIVER, "--port", "PORT"],
    capabilities: { "moz:firefoxOptions": { binary: VITRINE_FIREFOX, args: ["-headless"] } },
  },
  webkit: {
    // It has no headless mode of its own.
    command: ["xvfb-run", "-a", "WebKitWebDriver", "--port=PORT"],
    capabilities: { "webkitgtk:browserOptions": { binary: VITRINE_MINIBROWSER, args: ["--automation"] } },
  },
};
