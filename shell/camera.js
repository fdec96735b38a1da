// The camera: started and stopped by a person, classified live. Frames go to the program one at a
// time: the next one is taken when the one before has its answer.
//
// What comes in is handed over as a DOM event on `document`:
//   vitrine:frame       detail: a File without a name, one frame as JPEG
//   vitrine:camera-off  no more frames come
// and the program says `vitrine:frame-done` when it can take the next one, with
// { classes: [{ label, share, words }], time, failed } in `detail`, the last a sentence or nothing.

import { programStage, tell } from "./intake.js";
import { say } from "./language.js";
import { showDemo } from "./routes.js";

/** Longer side of a frame in pixels: the models look at 224, and a small frame costs little to pack. */
const FRAME_SIDE = 320;
/** Frames whose times are averaged for the rate that is shown. */
const RATE_FRAMES = 10;

const startButton = document.getElementById("camera-start");
const panel = document.getElementById("camera");
startButton.hidden = navigator.mediaDevices?.getUserMedia === undefined;

let running = null; // what there is while the camera runs: { stream, video, … }

startButton.addEventListener("click", () => (running ? stop() : start()));
window.addEventListener("pagehide", stop);

async function start() {
  showDemo();
  running = {};
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } },
      audio: false,
    });
  } catch (error) {
    running = null;
    showTrouble(error);
    return;
  }
  // Stopped while the browser was asking.
  if (running === null) {
    for (const track of stream.getTracks()) track.stop();
    return;
  }
  running = open(stream);
  stream.getVideoTracks()[0].addEventListener("ended", stop);
  tell(say("The camera is on. Frames are classified here and kept nowhere."));
  await running?.video.play().catch(() => {});
  // What is seen and the button that stops it are to be in view, once the picture has its size.
  panel.scrollIntoView({ block: "nearest" });
  sendFrame();
}

function stop() {
  if (running === null) return;
  for (const track of running.stream?.getTracks() ?? []) track.stop();
  const hadFocus = panel.contains(document.activeElement);
  running = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.dispatchEvent(new CustomEvent("vitrine:camera-off"));
  tell(say("The camera is off."));
  if (hadFocus) startButton.focus();
}

/** Builds what is seen while the camera runs. */
function open(stream) {
  const make = (name, properties = {}) => Object.assign(document.createElement(name), properties);
  const video = make("video", { muted: true, playsInline: true, srcObject: stream });
  video.setAttribute("aria-label", say("What the camera sees"));
  const list = make("ol", { className: "classes" });
  list.setAttribute("aria-label", say("What it is seen as"));
  const figures = make("p", { className: "figures" });
  const button = make("button", { type: "button", className: "button primary", textContent: say("Stop camera") });
  button.addEventListener("click", stop);
  const side = make("div", { className: "card-body" });
  side.append(list, figures, button);
  panel.replaceChildren(video, side);
  panel.hidden = false;
  button.focus();
  return { stream, video, list, figures, canvas: make("canvas"), ends: [] };
}

function showTrouble(error) {
  const words = {
    NotAllowedError: "The browser or you did not allow the camera.",
    NotFoundError: "This device has no camera.",
    NotReadableError: "Another program is using the camera.",
  };
  const alert = document.createElement("div");
  alert.setAttribute("role", "alert");
  alert.className = "sentences";
  for (const sentence of [
    say("The camera could not be started."),
    say(words[error.name] ?? "The browser said: {reason}.", { reason: error.message }),
    say("Allow it beside the address and try again, or choose a picture instead."),
  ]) {
    alert.append(Object.assign(document.createElement("p"), { textContent: sentence }));
  }
  alert.firstChild.className = "what";
  const close = Object.assign(document.createElement("button"), {
    type: "button",
    className: "button quiet",
    textContent: say("Close"),
  });
  close.addEventListener("click", () => {
    panel.hidden = true;
    startButton.focus();
  });
  panel.replaceChildren(alert, close);
  panel.hidden = false;
}

function sendFrame() {
  if (running === null) return;
  const { video, canvas } = running;
  // A hidden page is not looked at; the camera stays on, and its light says so.
  if (programStage() !== "listening" || video.videoWidth === 0 || document.hidden) {
    setTimeout(sendFrame, 200);
    return;
  }
  const scale = Math.min(1, FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  canvas.toBlob(
    (frame) => {
      if (running === null) return;
      if (frame === null) {
        setTimeout(sendFrame, 200);
        return;
      }
      const detail = new File([frame], "");
      document.dispatchEvent(new CustomEvent("vitrine:frame", { detail }));
    },
    "image/jpeg",
    0.9,
  );
}

document.addEventListener("vitrine:frame-done", ({ detail }) => {
  if (running === null) return;
  const { list, figures, ends } = running;
  ends.push(performance.now());
  if (ends.length > RATE_FRAMES) ends.shift();
  if (detail.failed) {
    figures.textContent = detail.failed;
    setTimeout(sendFrame, 1000);
    return;
  }
  list.replaceChildren(...detail.classes.map(bar));
  const rate = ends.length < 2 ? 0 : (1000 * (ends.length - 1)) / (ends.at(-1) - ends[0]);
  const number = (value, digits) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
  figures.textContent = say("{rate} frames per second, {time} ms each", {
    rate: number(rate, 1),
    time: number(detail.time, 0),
  });
  requestAnimationFrame(sendFrame);
});

function bar({ label, share, words }) {
  const item = document.createElement("li");
  item.style.setProperty("--share", share);
  for (const [className, text] of [
    ["class-name", label],
    ["class-share", words],
  ]) {
    item.append(Object.assign(document.createElement("span"), { className, textContent: text }), " ");
  }
  return item;
}
