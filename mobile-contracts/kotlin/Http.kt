package keyledger

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URI

/** What somebody answered. [body] is null where there is none, or where it is not the engine's: a proxy has answered, or a page to log in to a network. */
internal class HttpAnswer(val status: Int, val body: JsonObject?, val retryAfterSeconds: Int?) {
    val succeeded: Boolean = status in 200..299 && (body != null || status == 204)
    val problem: Problem? = if (status >= 400) body?.let { orNull { Problem(it) } } else null
    val state: SessionAnswer? = body?.takeIf { "session" in it }?.let { orNull { SessionAnswer(it) } }
    val refreshed: RefreshAnswer? = if (succeeded) body?.let { orNull { RefreshAnswer(it) } } else null

    /** Nobody who could know has decided. A 503 that has a state was decided: the same request would have the same answer. */
    val isOpen: Boolean = if (status == 503) state == null && problem?.retryable != false else !succeeded && problem == null

    private fun <T> orNull(read: () -> T): T? =
        try {
            read()
        } catch (_: JsonFault) {
            null
        }
}

/** One exchange. It knows nothing of keys and retries. */
internal class Http(engine: String) {
    private val engine = engine.trimEnd('/')

    init {
        val address = URI(engine)
        // Secrets go over this line. The last of these is what Android's emulator calls the machine that it runs on.
        require(address.scheme == "https" || address.host in listOf("localhost", "127.0.0.1", "10.0.2.2")) { "The engine's address must be https" }
    }

    /** @throws IOException when nobody answered */
    fun exchange(method: String, href: String, bearer: String?, key: String?, body: String?): HttpAnswer {
        // An address that an answer names must not lead the token to somebody else.
        require(href.startsWith("/")) { "This is not below the engine's address" }
        val connection = URI(engine + href).toURL().openConnection() as HttpURLConnection
        connection.requestMethod = method
        connection.connectTimeout = TIMEOUT
        connection.readTimeout = TIMEOUT
        connection.instanceFollowRedirects = false
        connection.useCaches = false
        connection.setRequestProperty("Accept", "application/json, application/problem+json")
        if (bearer != null) connection.setRequestProperty("Authorization", "Bearer $bearer")
        if (key != null) connection.setRequestProperty("Idempotency-Key", key)
        if (body != null) {
            connection.doOutput = true
            connection.setRequestProperty("Content-Type", "application/json")
            connection.outputStream.use { it.write(body.toByteArray()) }
        }
        val status = connection.responseCode
        val text = (if (status >= 400) connection.errorStream else connection.inputStream)?.use { textOf(it) }
        return HttpAnswer(status, text?.let(::jsonOf), connection.getHeaderField("Retry-After")?.toIntOrNull())
    }

    private fun textOf(stream: InputStream): String {
        val read = ByteArrayOutputStream()
        val some = ByteArray(8192)
        while (true) {
            val count = stream.read(some)
            if (count < 0) return String(read.toByteArray(), Charsets.UTF_8)
            read.write(some, 0, count)
            if (read.size() > LONGEST) throw IOException("The answer is too long")
        }
    }

    private fun jsonOf(text: String): JsonObject? =
        try {
            Json.readObject(text)
        } catch (_: JsonFault) {
            null
        }

    private companion object {
        /** Milliseconds, of the connection and of each wait for more. */
        const val TIMEOUT = 15_000

        /** Bytes. */
        const val LONGEST = 1_000_000
    }
}
