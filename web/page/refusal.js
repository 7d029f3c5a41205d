// Why a browser or machine cannot paint, in plain words.

/** `message` says what is missing, `remedy` what to do about it. */
export class Refusal extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}
