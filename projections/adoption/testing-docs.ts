/** `docs/adoption.md` as far as it is made of the code. */
import { metrics } from './metrics.ts'
import { dimensions } from './question.ts'
import { viewName } from './views.ts'

export const filterTable = (): string => Object.entries(dimensions).map(([name, what]) => `| \`${name}\` | ${what} |`).join('\n')

export const metricSections = (): string =>
  metrics
    .map(({ name, title, definition, unit, denominator, groups, view }) => {
      const rows = groups.length > 0 ? ` A row for each ${groups.map((group) => `\`${group}\``).join(' and ')}.` : ''
      const by = [...(view.every ? [view.every] : []), ...view.by].join(' and ')
      return `### ${name}\n\n**${title}.** ${definition}${rows}\n\nUnit: ${unit}. Denominator: ${denominator} View: \`keyledger.${viewName(name)}\`, by ${by}.`
    })
    .join('\n\n')
