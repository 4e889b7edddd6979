/** What is constructed is the object that it is given: so an object of Node's gets private fields of a class of ours. */
export class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is how an object gets the private fields of another class.
    return object
  }
}
