// Has a job done in a worker of this page, where engines run on the site too; `window.bench(job,
// setting)` gives what it gives. Jobs are the functions of jobs.js.

window.bench = (job, setting) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { result, error } }) => (error === undefined ? resolve(result) : reject(new Error(error)));
    worker.onerror = (event) => reject(new Error(event.message ?? "the worker's script could not be loaded"));
    worker.postMessage({ job, setting });
  });
