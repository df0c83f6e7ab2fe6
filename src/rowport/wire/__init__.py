"""What HTTP faces share: auth schemes, paging, times, errors."""
