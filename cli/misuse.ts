/** The command cannot be carried out as it was given: its user is shown how. */
export class Misuse extends Error {}
