/** A page of figures: what it asks beside the filters, and what it shows. */
import type { MetricDescription } from '../../projections/adoption/answer.ts'
import type { Question } from '../../projections/adoption/question.ts'
import type { Asked } from '../figures.ts'
import type { Html, Place } from '../layout.ts'
import type { Choice } from '../question-form.ts'

export type Asking = {
  question: Question
  /** What stands in the address beside the question, by the names in `own`. */
  chosen: Readonly<Record<string, string | undefined>>
  metrics: readonly MetricDescription[]
  /** Asks with the page's filters; what is given here goes before them. */
  ask: (metric: string, instead?: Partial<Question>) => Promise<Asked>
}

export type FiguresPage = Place & {
  /** Under the heading. */
  lead: string
  own: readonly string[]
  periods?: true
  choices?: (asking: Omit<Asking, 'ask'>) => readonly Choice[]
  show: (asking: Asking) => Promise<Html>
}
