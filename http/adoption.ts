/** `/v1/adoption`: figures for analysts, as JSON or CSV. */
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import { accepts } from 'hono/accepts'
import type { z } from 'zod'
import type { AdoptionAnswer, AdoptionCatalogue } from '../mobile-contracts/adoption.ts'
import type { Figures } from '../projections/adoption/adoption.ts'
import { csvOf } from '../projections/adoption/csv.ts'
import { BadQuestion, readQuestion } from '../projections/adoption/question.ts'
import { problem } from './problems.ts'

const formats = { json: 'application/json', csv: 'text/csv' } as const

/** `mayLook`: lets nobody through but analysts. */
export function adoptionRoutes(adoption: Figures, mayLook: MiddlewareHandler): Hono {
  return new Hono()
    .get('/', mayLook, async (c) => c.json((await adoption.catalogue()) satisfies z.infer<typeof AdoptionCatalogue>))
    .get('/:metric', mayLook, async (c) => {
      const { format, question } = asked(c)
      const answer = await adoption.ask(c.req.param('metric'), question)
      if (!answer) return problem(c, 'metric_unknown')
      c.header('Vary', 'Accept')
      if (format === 'json') return c.json(answer satisfies z.infer<typeof AdoptionAnswer>)
      c.header('Content-Disposition', `attachment; filename="${answer.metric}.csv"`)
      return c.body(csvOf(answer), 200, { 'Content-Type': 'text/csv; charset=utf-8; header=present' })
    })
}

/** A link cannot say what it accepts, so `format` in the query comes first. @throws BadQuestion */
function asked(c: Context) {
  const parameters = [...new URL(c.req.url).searchParams]
  const wanted = parameters.flatMap(([name, value]) => (name === 'format' ? [value] : []))[0]
  if (wanted !== undefined && !Object.hasOwn(formats, wanted)) throw new BadQuestion('format', `must be one of ${Object.keys(formats).join(', ')}`)
  const accepted = accepts(c, { header: 'Accept', supports: Object.values(formats), default: formats.json })
  const format = wanted ?? (accepted === formats.csv ? 'csv' : 'json')
  return { format, question: readQuestion(parameters.filter(([name]) => name !== 'format')) }
}
