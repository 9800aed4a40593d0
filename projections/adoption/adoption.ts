/** What analysts may ask, as functions: the API, the console and the command line all ask here. */
import type { Sql } from 'postgres'
import { tableName } from '../projection.ts'
import type { Answer, Catalogue } from './answer.ts'
import { ask, newest, type Disclosure } from './ask.ts'
import { adoptionLogins } from './logins.ts'
import { describe } from './metric.ts'
import { metricOf, metrics } from './metrics.ts'
import { adoptionPeople } from './people.ts'
import type { Question } from './question.ts'
import type { Tables } from './scope.ts'

export type Adoption = ReturnType<typeof openAdoption>

/** The tables that are read. */
export const adoptionTables = (): Tables => ({ logins: tableName(adoptionLogins), people: tableName(adoptionPeople) })

export function openAdoption({ sql, ...disclosure }: { sql: Sql } & Disclosure) {
  return {
    /** Which metrics there are, and what they mean. @throws FiguresUnavailable */
    catalogue: async (): Promise<Catalogue> => ({ metrics: metrics.map(describe), asOf: await newest(sql, adoptionTables()) }),
    /** Undefined where there is no such metric. @throws BadQuestion, FiguresUnavailable */
    async ask(name: string, question: Question): Promise<Answer | undefined> {
      const metric = metricOf(name)
      return metric && ask({ sql, tables: adoptionTables(), ...disclosure }, metric, question)
    },
  }
}
