// Errors that whoever runs the bench can act on: one sentence that says what to do.

/** An engine to compare with is not installed. */
export class PeerMissingError extends Error {
  /** @param {string} name the npm package */
  constructor(name) {
    super(
      `${name} is not installed: run "npm ci --omit=optional --ignore-scripts" in bench/peers.`,
    );
    this.name = "PeerMissingError";
  }
}

/** The GGUF that every engine is measured on is not there. */
export class ModelMissingError extends Error {
  /** @param {string} place where it was looked for */
  constructor(place) {
    super(
      `The model is not at ${place}: run "make" to fetch it, or set HEARTH_MODELS to its folder.`,
    );
    this.name = "ModelMissingError";
  }
}

/** Hearth itself is not built. */
export class NotBuiltError extends Error {
  /** @param {string} what the missing file, relative to the repository */
  constructor(what) {
    super(`${what} is not there: run "make build" first.`);
    this.name = "NotBuiltError";
  }
}
