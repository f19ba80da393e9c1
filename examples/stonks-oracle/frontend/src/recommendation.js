/** One line of the dashboard. */
export function recommendationText({ symbol, action, score }) {
  return `${symbol}: ${action} (${Math.round(score * 100)} %)`;
}
