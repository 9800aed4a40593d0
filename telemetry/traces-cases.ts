/** What a real SDK gets to see. On Node and on Deno. */
import assert from 'node:assert/strict'
import { context, propagation, trace, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { tableName } from '../projections/projection.ts'
import { ledgerTable } from '../projections/ledger/table.ts'
import { projections } from '../projections/read-model.ts'
import { finish, firstLogin, giveCode, signIn, taken } from '../stories/chapters.ts'
import { openStage, shop, type Stage } from '../stories/stage.ts'

export type Case = [sentence: string, run: () => Promise<void>]

/** A span with what is below it. */
type Tree = [name: string, ...children: Tree[]]

export function traceCases(): { cases: Case[]; close(): Promise<void> } {
  const exporter = new InMemorySpanExporter()
  let opened: Promise<Stage> | undefined

  function open(): Promise<Stage> {
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    return openStage({}).then(async (stage) => {
      // The very first login makes keys: of the month, and for tokens.
      await firstLogin(stage, stage.newApp(), await stage.newPerson())
      return stage
    })
  }

  /** The spans that end while this runs, in the order of their beginning. */
  async function spansOf(run: (stage: Stage) => Promise<void>): Promise<ReadableSpan[]> {
    const stage = await (opened ??= open())
    await stage.projected()
    exporter.reset()
    await run(stage)
    await stage.engine.settled()
    await stage.projected()
    return exporter.getFinishedSpans().toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
  }
  const requests = (spans: readonly ReadableSpan[]): ReadableSpan[] => spans.filter(({ kind }) => kind === SpanKind.SERVER)

  const cases: Case[] = [
    ['a request is a span, with the step in it, and in that what the step waited for', async () => {
      const spans = await spansOf(async (stage) => {
        const ada = await stage.newPerson()
        const app = stage.newApp()
        await signIn(app, ada)
        taken(await app.appendSkip('declined'))
        await giveCode(stage, app, ada)
        await finish(app)
      })
      const trees = requests(spans).map((span) => treeOf(span, spans))
      assert.deepEqual(trees.map(([name]) => name), [
        'POST /v1/sessions', 'POST /v1/sessions/:id/password', 'POST /v1/sessions/:id/append/skip', 'POST /v1/sessions/:id/otp/send',
        'POST /v1/sessions/:id/otp', 'POST /v1/sessions/:id/pin/skip', 'POST /v1/sessions/:id/biometrics/skip',
      ])
      const [start, password, , send, , , last] = trees.map((tree) => withoutReads(tree))
      assert.deepEqual(start, ['POST /v1/sessions', ['step start', ['log append']]])
      assert.deepEqual(password, ['POST /v1/sessions/:id/password', ['step password', ['password hash'], ['log append']]])
      assert.deepEqual(send, ['POST /v1/sessions/:id/otp/send', ['step otp_send', ['log append'], ['deliver email'], ['log append']]])
      assert.deepEqual(last, ['POST /v1/sessions/:id/biometrics/skip', ['step biometrics_skip', ['log append'], ['log append']]])
      assert.ok(trees.every((tree) => JSON.stringify(tree).includes('log read')))
    }],

    ['spans say what was done to which session, and how long a hash waited for a core', async () => {
      let session = ''
      const spans = await spansOf(async (stage) => {
        const app = stage.newApp()
        await app.start((await stage.newPerson()).email)
        await app.password('wrong')
        session = app.session
      })
      const of = (name: string) => spans.findLast((span) => span.name === name)?.attributes
      assert.deepEqual(of('POST /v1/sessions/:id/password'), {
        'http.request.method': 'POST', 'http.route': '/v1/sessions/:id/password', 'http.response.status_code': 403,
        'session.id': session, 'keyledger.app': shop.id, 'keyledger.problem': 'password_rejected',
      })
      assert.deepEqual(of('step password'), { 'keyledger.action': 'password', 'keyledger.outcome': 'password_rejected', 'session.id': session })
      assert.deepEqual(of('step start'), { 'keyledger.action': 'start', 'keyledger.outcome': 'done', 'session.id': session })
      // The ledger may be signed meanwhile.
      const appended = spans.filter(({ name }) => name === 'log append').map(({ attributes }) => attributes)
      assert.deepEqual(appended.findLast((one) => one['keyledger.stream.kind'] === 'session'), { 'keyledger.stream.kind': 'session', 'keyledger.events': 1 })
      assert.equal(typeof of('password hash')?.['keyledger.hash.wait_seconds'], 'number')
      assert.ok(spans.every(({ status }) => status.code !== SpanStatusCode.ERROR), 'what a person did wrong is no error of the engine')
    }],

    ['a request joins the trace of whoever sent it, and its line in the log is found by it', async () => {
      const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
      let line: string | undefined
      const spans = await spansOf(async ({ url, logged }) => {
        await fetch(`${url}/health/live`, { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })
        line = logged.at(-1)
      })
      const [span] = requests(spans)
      assert.deepEqual([span?.spanContext().traceId, span?.parentSpanContext?.spanId], [traceId, '00f067aa0ba902b7'])
      assert.equal(JSON.parse(line ?? '{}').trace, traceId)
    }],

    ['a request without a trace begins one, and its line in the log has it', async () => {
      let line: string | undefined
      const spans = await spansOf(async ({ url, logged }) => {
        await fetch(`${url}/health/live`)
        line = logged.at(-1)
      })
      const [span] = requests(spans)
      assert.equal(span?.parentSpanContext, undefined)
      assert.equal(JSON.parse(line ?? '{}').trace, span?.spanContext().traceId)
    }],

    ['a projection writes in traces of its own', async () => {
      const spans = await spansOf(async (stage) => void (await stage.newApp().start((await stage.newPerson()).email)))
      const batches = spans.filter(({ name }) => name.startsWith('project '))
      // The ledger gathers for a moment: it may write later than the test looks.
      assert.deepEqual(new Set([...batches.map(({ name }) => name), `project ${ledgerTable}`]), new Set([...projections.map((one) => `project ${tableName(one)}`), `project ${ledgerTable}`]))
      assert.ok(batches.every((span) => span.parentSpanContext === undefined))
      assert.ok(batches.some((span) => Number(span.attributes['keyledger.events']) > 0))
    }],

    ['a message that was not delivered is an error of its span, by its code', async () => {
      const spans = await spansOf(async (stage) => {
        const ada = await stage.newPerson({ mfa: true })
        const app = stage.newApp()
        await signIn(app, ada)
        stage.carrierRefuses(true)
        await app.otpSend('email')
        stage.carrierRefuses(false)
      })
      const [span] = spans.filter(({ name }) => name === 'deliver email')
      assert.deepEqual(span?.attributes, { 'keyledger.channel': 'email', 'keyledger.template': 'otp', 'keyledger.outcome': 'unreachable', 'error.type': 'unreachable' })
      assert.equal(span?.status.code, SpanStatusCode.ERROR)
    }],

    ['no span has anything of who it is about, or of what they kept secret', async () => {
      let secrets: string[] = []
      let account = ''
      const spans = await spansOf(async (stage) => {
        const ada = await stage.newPerson()
        const app = stage.newApp()
        await firstLogin(stage, app, ada)
        taken(await app.refresh())
        await app.refresh('wrong')
        await app.signOut()
        account = ada.account
        secrets = [...stage.secrets.keys()]
      })
      const told = JSON.stringify(spans.map(({ name, attributes, events, links, status }) => ({ name, attributes, events, links, status })))
      assert.ok(secrets.length > 10 && spans.length > 40)
      assert.deepEqual(secrets.filter((secret) => told.includes(secret)), [])
      assert.ok(!told.includes(account))
      assert.deepEqual([...new Set(spans.flatMap(({ events }) => events))], [])
    }],
  ]

  return {
    cases,
    async close() {
      await (await opened)?.close()
      trace.disable()
      context.disable()
      propagation.disable()
    },
  }
}

function treeOf(span: ReadableSpan, spans: readonly ReadableSpan[]): Tree {
  const below = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId)
  return [span.name, ...below.map((child) => treeOf(child, spans))]
}

/** How often a stream is read hangs on what is in the cache. */
const withoutReads = ([name, ...children]: Tree): Tree => [name, ...children.filter(([child]) => !/^log (read|last)$/.test(child)).map(withoutReads)]
