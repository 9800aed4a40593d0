// Before anything is drawn, so that nobody sees the other colours first.
const kept = localStorage.getItem('theme')
if (kept === 'light' || kept === 'dark') document.documentElement.dataset['theme'] = kept

addEventListener('DOMContentLoaded', () => {
  const choice = document.querySelector('#theme')
  if (!(choice instanceof HTMLSelectElement)) return
  choice.value = document.documentElement.dataset['theme'] ?? 'system'
  // Without this script there is nothing to choose.
  if (choice.parentElement) choice.parentElement.hidden = false
  choice.addEventListener('change', () => {
    if (choice.value === 'system') {
      delete document.documentElement.dataset['theme']
      localStorage.removeItem('theme')
    } else {
      document.documentElement.dataset['theme'] = choice.value
      localStorage.setItem('theme', choice.value)
    }
    document.dispatchEvent(new Event('theme'))
  })
})
