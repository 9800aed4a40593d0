/** What somebody says who does or looks at something for the record: it stands in clear, for ever. */
import { z } from 'zod'

const line = (text: string): boolean => !/\p{Cc}/u.test(text)
/** An e-mail address, or a number with its country code: whoever is forgotten would stand here for ever. */
const namesPerson = (text: string): boolean => /[^\s@]+@[^\s@]+\.[^\s@]/.test(text) || /\+\d[\d\s().\/-]{6,}/.test(text)

export const Because = z.object({
  who: z.string().trim().min(1, 'must name somebody').max(255, 'must have 255 characters at most').refine(line, 'must be one line'),
  why: z
    .string()
    .trim()
    .min(3, 'must say why')
    .max(512, 'must have 512 characters at most')
    .refine(line, 'must be one line')
    .refine((text) => !namesPerson(text), 'must not hold an e-mail address or a phone number: it stays in clear when the person is forgotten'),
})
export type Because = z.infer<typeof Because>
