import { section } from '../figures.ts'
import type { FiguresPage } from './page.ts'

export const variants: FiguresPage = {
  path: '/console/variants',
  title: 'Variants',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'The variants of the policy beside each other: how far apart they are, and how sure that is.',
  own: [],
  show: async ({ ask }) => section(await ask('variants')),
}
