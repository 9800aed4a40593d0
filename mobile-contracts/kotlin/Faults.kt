package keyledger

/** What the client throws. A refusal that a login goes on after is none: it is in the [Reply]. */
sealed class KeyledgerException(message: String) : Exception(message)

/** Nobody answered who could decide. The same call again repeats the very same request, and so does [Keyledger.resume] after the app was killed. */
class Unanswered(val problem: Problem?) : KeyledgerException(problem?.let { "No answer yet: ${it.code}" } ?: "No answer yet")

/** The request was refused, outside of a login that could go on. */
class Refused(val problem: Problem) : KeyledgerException("Refused: ${problem.code}")

/** Nobody is signed in, or no longer. */
class SignedOut : KeyledgerException("Nobody is signed in")

/** A fault of the app: the engine does not take this step now. Follow [SessionAnswer.next]. */
class NotLegal(val action: Action, val legal: List<Action>) : KeyledgerException("$action is not legal now; legal: ${legal.joinToString().ifEmpty { "nothing" }}")

/** An answer that lacks what the contract promises. */
class Unreadable(val status: Int) : KeyledgerException("An answer with status $status cannot be read")
