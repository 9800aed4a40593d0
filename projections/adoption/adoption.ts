/** What analysts may ask, as functions: the API, the console and the command line all ask here. */
import type { Sql } from 'postgres'
import { tableName } from '../projection.ts'
import type { Source } from '../serving.ts'
import { createAnswerCache } from './answer-cache.ts'
import type { Answer, Catalogue } from './answer.ts'
import { createAtOnce } from './at-once.ts'
import { ask, newest, positionOf, type Disclosure } from './ask.ts'
import { adoptionLogins } from './logins.ts'
import { describe } from './metric.ts'
import { metricOf, metrics } from './metrics.ts'
import { adoptionPeople } from './people.ts'
import type { Question } from './question.ts'
import type { Tables } from './scope.ts'

export type Adoption = ReturnType<typeof openAdoption>
/** As those see it who only ask. */
export type Figures = Pick<Adoption, 'ask' | 'catalogue'>

/** The tables that are read; `table`: of the version that is served, see serving.ts. */
export const adoptionTables = (table: Source['table'] = tableName): Tables => ({ logins: table(adoptionLogins), people: table(adoptionPeople) })

/** `queries`: of figures at a time, so that others find a connection: by default four of those to a server are left to them. */
export function openAdoption({ sql, table, patienceMs, queries = 6, ...disclosure }: { sql: Sql; table?: Source['table']; patienceMs?: number | undefined; queries?: number } & Disclosure) {
  const cache = createAnswerCache({ patienceMs })
  const inTurn = createAtOnce(queries)
  return {
    /** Which metrics there are, and what they mean. @throws FiguresUnavailable */
    catalogue: async (): Promise<Catalogue> => ({ metrics: metrics.map(describe), asOf: await newest(sql, adoptionTables(table)) }),
    /** Undefined where there is no such metric. @throws BadQuestion, FiguresUnavailable */
    async ask(name: string, question: Question): Promise<Answer | undefined> {
      const metric = metricOf(name)
      // Which tables are read may change from one time to the next.
      const tables = () => adoptionTables(table)
      return metric && cache.answer({ question: JSON.stringify([name, question]), position: () => positionOf(sql, tables()), ask: () => inTurn(() => ask({ sql, tables: tables(), ...disclosure }, metric, question)) })
    },
    /** Until `signal` aborts: what somebody asked within the last three days stays ready. */
    keepFresh: cache.keepFresh,
  }
}
