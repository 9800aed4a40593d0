// The client on the command line, for the tests beside it:
//   <mode> <engine> <folder> [<email> <password>]   append, skip, passkey, interrupted, resume, settings
//   selftest                                        one JSON text a line on stdin
package keyledger.demo

import java.io.File
import keyledger.Action
import keyledger.Channel
import keyledger.Code
import keyledger.Device
import keyledger.Json
import keyledger.JsonFault
import keyledger.Keyledger
import keyledger.Login
import keyledger.LoginOutcome
import keyledger.LoginScreens
import keyledger.OfferChoice
import keyledger.Password
import keyledger.Reply
import keyledger.SecureStore
import keyledger.Unanswered

private const val APP = "shop"

fun main(args: Array<String>) {
    val mode = args[0]
    if (mode == "selftest") return selftest()
    val (_, engine, folder) = args
    val (email, password) = args.drop(3).ifEmpty { listOf("", "") }
    val origin = System.getenv("KEYLEDGER_ORIGIN") ?: error("KEYLEDGER_ORIGIN is not set")
    val passkeys = SoftwarePasskeys(File(folder, "passkeys.json"), origin)
    // A run that is to be interrupted gives up at once.
    val attempts = if (mode == "interrupted") 1 else 6
    val device = Device(model = "Northwind Phone 12", osVersion = "16", screenLock = true, biometrics = true, credentialManager = true)
    val keyledger = Keyledger(engine, APP, FileStore(File(folder, "store.json")), attempts = attempts) { device }
    val screens = TerminalScreens(email, password, if (mode == "skip") OfferChoice.NOT_NOW else OfferChoice.CREATE)
    val login = Login(keyledger, passkeys, screens)

    when (mode) {
        "append", "skip" -> say("login", outcome(login.run(email)))
        "passkey" -> {
            say("login", outcome(login.run()))
            say("signals", passkeys.heard.joinToString())
        }
        "interrupted" ->
            try {
                login.run(email)
            } catch (unanswered: Unanswered) {
                say("interrupted", unanswered.message)
            }
        "resume" -> say("login", login.resume()?.let(::outcome))
        "settings" -> settings(keyledger, passkeys)
        else -> error("there is no such mode")
    }
}

private fun settings(keyledger: Keyledger, passkeys: SoftwarePasskeys) {
    val old = keyledger.accessToken()
    val together = List(4) { java.util.concurrent.CompletableFuture.supplyAsync { keyledger.accessToken(insteadOf = old) } }.map { it.get() }
    say("refreshed", "${together.distinct().size} new, ${if (old in together) "one is old" else "none is old"}")
    val passkey = keyledger.listPasskeys().passkeys.single()
    say("renamed", keyledger.renamePasskey(passkey.id, "My phone").passkeys.single().name)
    say("contacts", keyledger.listContacts().contacts.size.toString())
    val left = keyledger.removePasskey(passkey.id)
    passkeys.signal(left.signals)
    say("left", left.passkeys.size.toString())
    keyledger.openSettings().let { say("offer", it.state.offer?.outcome?.name) }
    keyledger.leave()
    keyledger.signOut()
    say("signedIn", keyledger.isSignedIn.toString())
}

/** The person at the other end of stdin. */
private class TerminalScreens(private val email: String, private val password: String, private val choice: OfferChoice) : LoginScreens {
    override fun identifier(): String = email

    override fun password(reply: Reply): Password = Password(password).also { say("password", reply.problem?.code?.name) }

    override fun offer(reply: Reply): OfferChoice = choice.also { say("offer", it.name) }

    override fun channel(reply: Reply): Channel? {
        Thread.sleep(reply.secondsUntilResend * 1000)
        return reply.state.otp?.channels?.firstOrNull()
    }

    override fun code(reply: Reply): Code? {
        say("code", reply.problem?.code?.name)
        return readlnOrNull()?.let(::Code)
    }

    override fun pin(reply: Reply): String? = if (reply.can(Action.PIN_SKIP)) null else "258063".also { say("pin", it) }

    override fun biometrics(reply: Reply): Boolean = true.also { say("biometrics", "on") }
}

private fun outcome(outcome: LoginOutcome): String =
    when (outcome) {
        LoginOutcome.SignedIn -> "signed in"
        LoginOutcome.Left -> "left"
        LoginOutcome.UpgradeRequired -> "upgrade required"
        is LoginOutcome.Over -> "over: ${outcome.reply.problem?.code ?: outcome.reply.state.session.endReason}"
    }

private fun selftest() {
    for (line in generateSequence(::readlnOrNull)) {
        println(
            try {
                Json.write(Json.read(Json.read(line) as String))
            } catch (_: JsonFault) {
                "refused"
            },
        )
    }
}

private fun say(what: String, value: String?) = println("$what: ${value ?: "-"}")

/** In clear, which an app must never do. */
private class FileStore(private val file: File) : SecureStore {
    override fun get(name: String): String? = all()[name] as? String

    override fun put(name: String, value: String) = file.writeText(Json.write(all() + (name to value)))

    override fun remove(name: String) = file.writeText(Json.write(all() - name))

    private fun all(): Map<String, Any?> = if (file.exists()) Json.readObject(file.readText()) else emptyMap()
}
