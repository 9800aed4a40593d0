package keyledger

/** An object as it was read: names to text, [Long], [Double], [Boolean], null, lists and objects. */
typealias JsonObject = Map<String, Any?>

/** What was read is not JSON (RFC 8259), or not what it should be. The message has the place, never the content. */
class JsonFault(what: String) : Exception(what)

/** JSON, so that the client needs no library: strict, with no name twice in an object and no text of more than a million characters. */
object Json {
    private const val DEPTH = 32
    private const val LENGTH = 1_000_000

    /** @throws JsonFault */
    fun read(text: String): Any? = Reader(text).document()

    /** @throws JsonFault */
    @Suppress("UNCHECKED_CAST")
    fun readObject(text: String): JsonObject = read(text) as? JsonObject ?: throw JsonFault("This is no object")

    /** Text, numbers, [Boolean], null, [Word], lists and maps with names of text. */
    fun write(value: Any?): String = buildString { put(value) }

    private fun StringBuilder.put(value: Any?) {
        when (value) {
            null, is Boolean, is Int, is Long -> append(value)
            is Double -> if (value.isFinite()) append(value) else throw IllegalArgumentException("JSON has no such number")
            is String -> quote(value)
            is Word -> quote(value.name)
            is List<*> -> value.joinTo(this, ",", "[", "]") { Json.write(it) }
            is Map<*, *> -> value.entries.joinTo(this, ",", "{", "}") { (name, inner) -> "${Json.write(name as String)}:${Json.write(inner)}" }
            else -> throw IllegalArgumentException("JSON has no ${value::class.simpleName}")
        }
    }

    private fun StringBuilder.quote(text: String) {
        append('"')
        for (char in text) {
            when {
                char == '"' || char == '\\' -> append('\\').append(char)
                char < ' ' || char.isSurrogate() -> append("\\u").append(char.code.toString(16).padStart(4, '0'))
                else -> append(char)
            }
        }
        append('"')
    }

    private class Reader(private val text: String) {
        private var at = 0

        fun document(): Any? {
            if (text.length > LENGTH) throw JsonFault("This is too long")
            return value(0).also { if (peek() != null) fail("the end was expected") }
        }

        private fun value(depth: Int): Any? {
            if (depth > DEPTH) fail("this is too deep")
            return when (peek()) {
                '{' -> readObject(depth)
                '[' -> readList(depth)
                '"' -> string()
                't' -> word("true", true)
                'f' -> word("false", false)
                'n' -> word("null", null)
                else -> number()
            }
        }

        private fun readObject(depth: Int): JsonObject {
            val read = LinkedHashMap<String, Any?>()
            between('{', '}') {
                if (peek() != '"') fail("a name was expected")
                val name = string()
                if (name in read) fail("this name is here twice")
                expect(':')
                read[name] = value(depth + 1)
            }
            return read
        }

        private fun readList(depth: Int): List<Any?> = buildList { between('[', ']') { add(value(depth + 1)) } }

        private fun between(open: Char, close: Char, readOne: () -> Unit) {
            expect(open)
            if (peek() == close) return expect(close)
            while (true) {
                readOne()
                if (peek() != ',') return expect(close)
                expect(',')
            }
        }

        private fun string(): String = buildString {
            expect('"')
            while (true) {
                val char = next()
                when {
                    char == '"' -> return@buildString
                    char == '\\' -> append(escaped())
                    char < ' ' -> fail("a control character must be escaped")
                    else -> append(char)
                }
            }
        }

        private fun escaped(): Char = when (val char = next()) {
            '"', '\\', '/' -> char
            'b' -> '\b'
            'f' -> '\u000C'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> CharArray(4) { next() }.concatToString().takeIf(HEXADECIMAL::matches)?.toInt(16)?.toChar() ?: fail("four hexadecimal digits were expected")
            else -> fail("there is no such escape")
        }

        /** A whole number is a [Long], everything else a [Double]. */
        private fun number(): Any {
            val found = NUMBER.matchAt(text, at)?.value ?: fail("a value was expected")
            at += found.length
            if (found.none { it in ".eE" }) return found.toLongOrNull() ?: fail("this number is too large")
            return found.toDouble().takeIf(Double::isFinite) ?: fail("this number is too large")
        }

        private fun <T> word(word: String, meaning: T): T {
            if (!text.startsWith(word, at)) fail("a value was expected")
            at += word.length
            return meaning
        }

        /** Past blanks; null at the end. */
        private fun peek(): Char? {
            while (at < text.length && text[at] in " \t\r\n") at += 1
            return text.getOrNull(at)
        }

        private fun next(): Char = text.getOrNull(at++) ?: fail("it ends too early")

        private fun expect(char: Char) {
            if (peek() != char) fail("'$char' was expected")
            at += 1
        }

        private fun fail(what: String): Nothing = throw JsonFault("At character $at: $what")
    }

    private val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")
    private val HEXADECIMAL = Regex("[0-9a-fA-F]{4}")
}

// What an object must have, by name. Each throws JsonFault where the field is not there or is something else.

internal fun JsonObject.text(name: String): String = this[name] as? String ?: missing(name)
internal fun JsonObject.int(name: String): Int = (this[name] as? Long)?.takeIf { it in Int.MIN_VALUE..Int.MAX_VALUE }?.toInt() ?: missing(name)
internal fun JsonObject.flag(name: String): Boolean = this[name] as? Boolean ?: missing(name)
@Suppress("UNCHECKED_CAST")
internal fun JsonObject.json(name: String): JsonObject = this[name] as? JsonObject ?: missing(name)
internal fun JsonObject.texts(name: String): List<String> = items(name).map { it as? String ?: missing(name) }
@Suppress("UNCHECKED_CAST")
internal fun <T> JsonObject.list(name: String, read: (JsonObject) -> T): List<T> = items(name).map { read(it as? JsonObject ?: missing(name)) }

/** What may be left out or be null. */
internal fun <T> JsonObject.maybe(name: String, read: JsonObject.(String) -> T): T? = if (this[name] == null) null else read(name)

private fun JsonObject.items(name: String): List<*> = this[name] as? List<*> ?: missing(name)
private fun missing(name: String): Nothing = throw JsonFault("$name is not there, or is something else")

/** An object to send; what is null is left out. */
internal fun body(vararg fields: Pair<String, Any?>): JsonObject = fields.toMap().filterValues { it != null }
